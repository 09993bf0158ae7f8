package doctor

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	twilioToken       = "twilio.token"
	twilioAccount     = "twilio.account"
	twilioSubaccounts = "twilio.subaccounts"
)

var atTwilio = vendor{name: "Twilio", scope: "twilio", credential: provider.TwilioToken, status: "status.twilio.com",
	renew: "compare the account (FLEET_TWILIO_ACCOUNT, \"twilioAccount\" of the stage in infra/cdk.json) and the auth token with the parent account's at console.twilio.com, under Account, API keys & tokens; an account that is suspended or closed is refused as well; copy the auth token"}

var subaccountsQuota = quota{check: twilioSubaccounts, name: step.TwilioSubaccounts, what: "Twilio subaccounts",
	raise: "ask Twilio's support for more, or close subaccounts that nobody needs at console.twilio.com"}

func (d Deps) lookAtTwilio(ctx context.Context) []view.Check {
	v := atTwilio
	c, ok := d.held(ctx, v, twilioToken)
	if !ok {
		return unasked(c, twilioAccount, twilioSubaccounts)
	}
	parent, err := ask(ctx, d.clock, d.twilio.Parent)
	if c, ok = v.door(twilioToken, err); !ok {
		return unasked(c, twilioAccount, twilioSubaccounts)
	}
	if err != nil { // it was not sent, or there is no such account, as which it was sent
		c = broken(twilioToken, "account and token don't go together: "+step.SafeText(err), v.renew+"; "+keep(v.credential))
		return unasked(c, twilioAccount, twilioSubaccounts)
	}
	n, err := d.twilio.CountAccounts(ctx)
	return []view.Check{fine(twilioToken, "accepted; an auth token may do all that its account may"),
		judgeParent(parent), subaccountsQuota.judge(n, err, d.quotas[step.TwilioSubaccounts])}
}

func judgeParent(a twilio.Account) view.Check {
	switch {
	case a.Owner != a.SID:
		return broken(twilioAccount, fmt.Sprintf("account %s is a subaccount of %s, and can have none of its own", a.SID, a.Owner),
			fmt.Sprintf("%s; copy that account's auth token and %s", set("twilioAccount", "FLEET_TWILIO_ACCOUNT", a.Owner), keep(provider.TwilioToken)))
	case a.Status != twilio.Active:
		return broken(twilioAccount, fmt.Sprintf("account %s is %s, and so is every subaccount of it", a.SID, a.Status),
			"see console.twilio.com for the reason, as a rule an unpaid balance, and ask Twilio's support")
	case a.Trial:
		return warning(twilioAccount, fmt.Sprintf("account %s is a trial: it sends to verified numbers only", a.SID),
			"upgrade it at console.twilio.com, under Billing")
	}
	return fine(twilioAccount, "account %s is active, and a parent", a.SID)
}
