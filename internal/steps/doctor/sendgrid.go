package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	sendgridKey      = "sendgrid.key"
	sendgridScopes   = "sendgrid.scopes"
	sendgridIPs      = "sendgrid.ips"
	sendgridSubusers = "sendgrid.subusers"
)

// scopesNeeded are those of the calls that Fleet makes with its own key.
var scopesNeeded = []string{
	"subusers.create", "subusers.read", "subusers.update", "subusers.delete", "subusers.stats.read",
	"api_keys.create", "api_keys.read", "api_keys.delete",
	"whitelabel.create", "whitelabel.read", "whitelabel.update", "whitelabel.delete",
	"user.webhooks.event.settings.create", "user.webhooks.event.settings.read", "user.webhooks.event.settings.update",
	"user.webhooks.event.settings.delete",
	"mail.send",
}

var atSendGrid = vendor{name: "SendGrid", scope: "sendgrid", credential: provider.SendGridKey, status: "status.sendgrid.com",
	renew: "make an API key at app.sendgrid.com, under Settings, API Keys, on the parent account, with Full Access or with " +
		strings.Join(scopesNeeded, ", ") + " and ips.read"}

var subusersQuota = quota{check: sendgridSubusers, name: step.SendGridSubusers, what: "SendGrid subusers",
	raise: "raise the plan at app.sendgrid.com, under Settings, Account Details, or delete subusers that nobody needs"}

func (d Deps) lookAtSendGrid(ctx context.Context) []view.Check {
	v := atSendGrid
	c, ok := d.held(ctx, v, sendgridKey)
	if !ok {
		return unasked(c, sendgridScopes, sendgridIPs, sendgridSubusers)
	}
	scopes, err := ask(ctx, d.clock, d.sendgrid.Scopes)
	if c, ok = v.door(sendgridKey, err); !ok {
		return unasked(c, sendgridScopes, sendgridIPs, sendgridSubusers)
	}
	if err != nil {
		c = broken(sendgridKey, "SendGrid refuses to tell what the key may do: "+step.SafeText(err), v.renew+"; "+keep(v.credential))
		return unasked(c, sendgridScopes, sendgridIPs, sendgridSubusers)
	}
	there, ipsErr := d.sendgrid.IPs(ctx)
	n, err := d.sendgrid.CountSubusers(ctx)
	return []view.Check{fine(sendgridKey, "accepted"), judgeScopes(scopes), judgeIPs(there, ipsErr, d.vendors.SendGridIPs),
		subusersQuota.judge(n, err, d.quotas[step.SendGridSubusers])}
}

func judgeScopes(has []string) view.Check {
	var lacking []string
	for _, s := range scopesNeeded {
		if !slices.Contains(has, s) {
			lacking = append(lacking, s)
		}
	}
	if len(lacking) > 0 {
		return broken(sendgridScopes, fmt.Sprintf("the key lacks %d of the %d scopes that Fleet needs: %s", len(lacking), len(scopesNeeded), strings.Join(lacking, ", ")),
			"add them to the key at app.sendgrid.com, under Settings, API Keys; its value stays the same")
	}
	return fine(sendgridScopes, "the key has all %d scopes that Fleet needs", len(scopesNeeded))
}

func judgeIPs(there []netip.Addr, err error, wanted []string) view.Check {
	if err != nil {
		mend := "look again in a minute"
		if refused(err) {
			mend = "add the scope ips.read to the key at app.sendgrid.com, under Settings, API Keys"
		}
		return unchecked(sendgridIPs, "the account's addresses can't be listed: "+step.SafeText(err), mend)
	}
	var missing []string
	for _, text := range wanted {
		if a, err := netip.ParseAddr(text); err != nil || !slices.Contains(there, a) {
			missing = append(missing, text)
		}
	}
	switch {
	case len(wanted) == 0:
		return broken(sendgridIPs, "no address is set, and every subuser needs one",
			set("sendgridIps", "FLEET_SENDGRID_IPS", fmt.Sprintf("some of the %d addresses that app.sendgrid.com shows under Settings, IP Addresses", len(there))))
	case len(missing) > 0:
		return broken(sendgridIPs, fmt.Sprintf("%d of %d configured addresses are not on the account: %s; no subuser can be created", len(missing), len(wanted), strings.Join(missing, ", ")),
			set("sendgridIps", "FLEET_SENDGRID_IPS", "addresses that app.sendgrid.com shows under Settings, IP Addresses")+"; or buy the missing ones there")
	}
	return fine(sendgridIPs, "on the account, as configured: %s", strings.Join(wanted, ", "))
}
