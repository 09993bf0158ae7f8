// Package dns handles an instance's records and its rate-limiting rule in the zone.
package dns

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these steps use.
type Deps struct{ Zone *cloudflare.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{cloudflare.New(env.Provider)}, nil }

// Record is one of the instance's CNAME records. Its comment is the ownership mark: host names hold the slug, so a record
// of the name may be another instance's.
func (d Deps) Record(run *step.Run, name, target string) step.Resource {
	mark := fleet.OwnershipMark(run.Instance.ID)
	return step.Resource{
		Kind: fleet.DNSRecord,
		Name: name,
		Mark: mark,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			records, err := d.Zone.FindRecords(ctx, "", name)
			found := make([]step.Found, 0, len(records))
			for _, r := range records {
				found = append(found, step.Found{ID: r.ID, Mark: r.Comment})
			}
			return found, err
		},
		Look: func(ctx context.Context, id string) ([]step.Found, error) {
			r, err := d.Zone.Record(ctx, id)
			return step.Looked(step.Found{ID: r.ID, Name: r.Name, Mark: r.Comment}, err)
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			r, err := d.Zone.CreateRecord(ctx, cloudflare.NewRecord{Type: "CNAME", Name: name, Content: target, Comment: mark})
			return step.Found{ID: r.ID, Mark: r.Comment}, err
		},
		Delete: d.Zone.DeleteRecord,
	}
}

// Configure points the instance's host name at Vercel, unproxied, so that Vercel can issue the certificate.
func Configure(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		target, err := frontend(ctx, run)
		if err != nil {
			return err
		}
		return run.Ensure(ctx, d.Record(run, run.Instance.Host, target))
	}
}

// PublishMail publishes the records by which the instance's mail is signed. They must stay unproxied.
func PublishMail(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		domain, err := run.Ledger(ctx, fleet.SendGridDomain, run.Instance.Host)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(domain.Attributes)) {
			name, ok := strings.CutPrefix(key, fleet.MailRecordPrefix)
			if !ok {
				continue
			}
			if err := run.Ensure(ctx, d.Record(run, name, domain.Attributes[key])); err != nil {
				return err
			}
		}
		return nil
	}
}

// Proxy puts the host name behind Cloudflare's proxy, now that its certificate works.
func Proxy(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		record, err := run.Ledger(ctx, fleet.DNSRecord, run.Instance.Host)
		if err != nil {
			return err
		}
		return run.Change(ctx, step.Change{Kind: fleet.DNSProxy, Name: run.Instance.Host, Apply: func(ctx context.Context) error {
			return d.Zone.SetProxied(ctx, record.ID, true)
		}})
	}
}

// Remove removes the instance's records, before what they point at is removed, and its rule. Neither waits for the other.
func Remove(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return step.Join(
			run.RemoveAll(ctx, fleet.DNSRecord, func(e fleet.Resource) step.Resource { return d.Record(run, e.Name, "") }),
			run.RemoveAll(ctx, fleet.CloudflareRule, func(e fleet.Resource) step.Resource { return d.Rule(run, e.Name) }),
		)
	}
}
