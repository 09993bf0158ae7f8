package dns

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// Point has the instance's host lead to the page of suspended instances, by Cloudflare's proxy, whose certificate it then has. A replay
// finds it there.
func Point(d Deps) step.Func {
	return d.point(fleet.Stopped, func(_ context.Context, run *step.Run) (string, error) {
		return run.Provider.Settings.SuspendedHost, nil
	})
}

// Restore has the instance's host lead to Vercel again, by the proxy as before. A replay finds it there.
func Restore(d Deps) step.Func { return d.point(fleet.Serving, frontend) }

// frontend is where Vercel wants the host's record to lead.
func frontend(ctx context.Context, run *step.Run) (string, error) {
	domain, err := run.Ledger(ctx, fleet.VercelDomain, run.Instance.Host)
	if err != nil {
		return "", err
	}
	target := domain.Attributes[fleet.DomainTarget]
	if target == "" {
		return "", fault.New(fault.Internal, "Vercel named no target for the record")
	}
	return target, nil
}

func (d Deps) point(to fleet.Setting, at func(context.Context, *step.Run) (string, error)) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		record, err := run.Ledger(ctx, fleet.DNSRecord, run.Instance.Host)
		if err != nil {
			return err
		}
		target, err := at(ctx, run)
		if err != nil {
			return err
		}
		return run.Switch(ctx, step.Switch{Kind: fleet.DNSTarget, Name: run.Instance.Host, To: to, In: d.Record(run, run.Instance.Host, target),
			Apply: func(ctx context.Context, _ string) error { return d.Zone.Point(ctx, record.ID, target, true) }})
	}
}
