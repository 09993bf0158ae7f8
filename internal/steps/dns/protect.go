package dns

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// limit is how often one address may ask for an instance's host: a page with all its files a second, and an office behind
// one address. Ten seconds of counting and of refusing are what Cloudflare's smallest plan allows, so every plan takes it.
func limit() cloudflare.Limit { return cloudflare.Limit{Requests: 500, Period: 10, Timeout: 10} }

// Rule is the instance's own rate-limiting rule. Its ref names it, its description is the ownership mark. Other instances'
// rules are in the same ruleset: only single rules are added and removed.
func (d Deps) Rule(run *step.Run, name string) step.Resource {
	mark := fleet.OwnershipMark(run.Instance.ID)
	ruleset := ""
	return step.Resource{
		Kind: fleet.CloudflareRule,
		Name: name,
		Mark: mark,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			limits, err := d.Zone.RateLimits(ctx)
			if err != nil {
				return nil, err
			}
			ruleset = limits.Ruleset
			var found []step.Found
			for _, r := range limits.Rules {
				if r.Ref == name {
					found = append(found, step.Found{ID: r.ID, Mark: r.Description, Created: r.Updated})
				}
			}
			return found, nil
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			r, err := d.Zone.CreateRule(ctx, ruleset, cloudflare.NewRule{Ref: name, Description: mark, Host: run.Instance.Host, Limit: limit()})
			return step.Found{ID: r.ID, Mark: r.Description}, err
		},
		Delete: func(ctx context.Context, id string) error {
			if ruleset == "" { // Find saw none: without a ruleset there is no rule
				return nil
			}
			return d.Zone.DeleteRule(ctx, ruleset, id)
		},
	}
}

// Protect limits how often the instance's host may be asked for, now that it is behind Cloudflare's proxy, where rules act.
//
// Where the zone's plan allows no more rules, the instance does without: it works as well, and to take a customer's new
// instance down over the plan would end all sign-ups at the fifth customer of a Business plan. Its ledger says that the rule
// is absent, and one incident of the whole fleet says what to do. A replay comes to the same.
func Protect(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		rule := d.Rule(run, fleet.ResourceName(run.Instance.ID))
		err := run.Ensure(ctx, rule)
		if !fault.Is(err, fault.QuotaExceeded, fault.StaleEpoch) {
			return err
		}
		entry, lost := run.Store.Resource(ctx, run.Instance.ID, rule.Kind, rule.Name)
		if lost != nil {
			return lost
		}
		switch {
		case entry == nil || fault.Is(err, fault.StaleEpoch) && !entry.Gone(): // taken over in earnest
			return err
		case entry.Status == fleet.Created: // a twin of this invocation found room
			return nil
		}
		if err := run.Remove(ctx, rule, *entry); err != nil {
			return err
		}
		return unprotected(ctx, run)
	}
}

// unprotected proves that the run still counts, and opens the fleet's incident unless it is open.
func unprotected(ctx context.Context, run *step.Run) error {
	if err := run.Update(ctx, func(*store.Tx) error { return nil }); err != nil {
		return err
	}
	return run.Store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		incident := fleet.Incident{ID: "rate-limit-rules", Code: fleet.IncidentUnprotected,
			Reason: "the plan of the zone at Cloudflare allows no more rate-limiting rules: new instances go without one of their own",
			NextAction: "at dash.cloudflare.com raise the zone's plan and close this incident, or put one rule for all hosts in the place of one " +
				"that nobody needs and acknowledge it. Instances without a rule have cloudflare_rule absent in their ledger"}
		return tx.Standing(fleet.IncidentUnprotected, []fleet.Incident{incident}, func(string) bool { return true })
	})
}
