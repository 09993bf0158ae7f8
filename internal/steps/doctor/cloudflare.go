package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	cloudflareToken   = "cloudflare.token"
	cloudflareZone    = "cloudflare.zone"
	cloudflareRecords = "cloudflare.dns-records"
	cloudflareRules   = "cloudflare.rate-limit-rules"
)

var atCloudflare = vendor{name: "Cloudflare", scope: "cloudflare", credential: provider.CloudflareToken, status: "www.cloudflarestatus.com",
	renew: "make an API token at dash.cloudflare.com/profile/api-tokens with Zone:Read, DNS:Edit and Zone WAF:Edit for the one zone"}

var recordsQuota = quota{check: cloudflareRecords, name: step.DNSRecords, what: "DNS records",
	raise: "raise the zone's plan, or delete records that nobody needs, at dash.cloudflare.com"}

var rulesQuota = quota{check: cloudflareRules, name: step.RateLimitRules, what: "rate-limiting rules",
	lacking: "the next instance goes without a limit of its own",
	raise:   "raise the zone's plan, or delete rules that nobody needs, at dash.cloudflare.com"}

// zoneSight is what Cloudflare answered.
type zoneSight struct {
	token             cloudflare.Token
	zone              cloudflare.Zone
	tokenErr, zoneErr error
	records           int
	recordsErr        error
	limits            cloudflare.RateLimits
	limitsErr         error
}

func (d Deps) lookAtCloudflare(ctx context.Context) []view.Check {
	v := atCloudflare
	c, ok := d.held(ctx, v, cloudflareToken)
	if !ok {
		return unasked(c, cloudflareZone, cloudflareRecords, cloudflareRules)
	}
	var s zoneSight
	// An account's token is refused here, and good all the same: the zone decides.
	s.token, s.tokenErr = ask(ctx, d.clock, d.cloudflare.VerifyToken)
	if c, ok = v.door(cloudflareToken, s.tokenErr); !ok && !refused(s.tokenErr) {
		return unasked(c, cloudflareZone, cloudflareRecords, cloudflareRules)
	}
	s.zone, s.zoneErr = ask(ctx, d.clock, d.cloudflare.Zone)
	s.records, s.recordsErr = d.cloudflare.CountRecords(ctx)
	s.limits, s.limitsErr = d.cloudflare.RateLimits(ctx)
	if refused(s.tokenErr) && s.zoneErr != nil && s.recordsErr != nil {
		return unasked(c, cloudflareZone, cloudflareRecords, cloudflareRules)
	}
	return []view.Check{judgeCloudflareToken(s, d.clock.Now()), judgeZone(s, d.vendors.Domain, d.vendors.CloudflareZone),
		recordsQuota.judge(s.records, s.recordsErr, d.quotas[step.DNSRecords]),
		rulesQuota.judge(len(s.limits.Rules), s.limitsErr, d.quotas[step.RateLimitRules])}
}

// expiring is how long before its end a token gives warning.
const expiring = 14 * 24 * time.Hour

// edits are the permissions without which nothing can be done in the zone: for its records, and for its rules.
func edits() []string { return []string{"#dns_records:edit", "#waf:edit"} }

// lacks is the first of them that the zone doesn't list; empty where it lists all, or none at all.
func (s zoneSight) lacks() string {
	for _, edit := range edits() {
		if len(s.zone.Permissions) > 0 && !slices.Contains(s.zone.Permissions, edit) {
			return edit
		}
	}
	return ""
}

func judgeCloudflareToken(s zoneSight, now time.Time) view.Check {
	mend := atCloudflare.renew + "; " + keep(provider.CloudflareToken)
	ends := s.token.ExpiresOn
	switch {
	case s.tokenErr == nil && s.token.Status != "active":
		return broken(cloudflareToken, fmt.Sprintf("Cloudflare calls the token %s", s.token.Status), mend)
	case !ends.IsZero() && !ends.After(now):
		return broken(cloudflareToken, fmt.Sprintf("the token expired on %s", day(ends)), mend)
	case !ends.IsZero() && ends.Sub(now) < expiring:
		return warning(cloudflareToken, fmt.Sprintf("the token expires on %s, in %d days", day(ends), days(ends.Sub(now))), mend)
	case s.lacks() != "":
		return warning(cloudflareToken, "the zone doesn't list "+s.lacks()+" among what the token may do there", mend)
	case s.tokenErr != nil:
		return fine(cloudflareToken, "accepted in the zone; it is an account's token, whose end Cloudflare doesn't tell")
	case ends.IsZero():
		return fine(cloudflareToken, "active, without an end")
	}
	return fine(cloudflareToken, "active until %s", day(ends))
}

func judgeZone(s zoneSight, domain, id string) view.Check {
	where := set("zone", "FLEET_CLOUDFLARE_ZONE", "the Zone ID on the zone's overview page at dash.cloudflare.com")
	switch {
	case refused(s.zoneErr) && s.recordsErr == nil:
		return unchecked(cloudflareZone, fmt.Sprintf("the token reaches the records of zone %s, but may not read the zone itself: whether it is %s is not known", id, domain),
			"give the token Zone:Read for the zone at dash.cloudflare.com/profile/api-tokens")
	case fault.CodeOf(s.zoneErr).Transient() && s.zoneErr != nil:
		return unchecked(cloudflareZone, "the zone can't be read: "+step.SafeText(s.zoneErr), "look again in a minute")
	case s.zoneErr != nil:
		return broken(cloudflareZone, fmt.Sprintf("the token reaches no zone %s: %s", id, step.SafeText(s.zoneErr)),
			where+"; or give the token that zone")
	case !strings.EqualFold(s.zone.Name, domain):
		return broken(cloudflareZone, fmt.Sprintf("zone %s is that of another domain than %s", id, domain), where+"; or "+set("domain", "FLEET_DOMAIN", "the zone's domain"))
	case s.zone.Status != "active":
		return broken(cloudflareZone, fmt.Sprintf("the zone of %s is %s, not active: its records resolve nowhere", domain, s.zone.Status),
			"point the domain's name servers, at its registrar, to those on the zone's overview page at dash.cloudflare.com")
	}
	return fine(cloudflareZone, "zone %s is that of %s, and active", id, domain)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// days are whole ones.
func days(d time.Duration) int { return int(d / (24 * time.Hour)) }
