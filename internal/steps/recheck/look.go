package recheck

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// Owned lists a page of what a vendor has of Fleet's, from where a cursor says, or else from the first one.
func (d Deps) Owned(ctx context.Context, vendor, cursor string) (fleet.OwnedPage, error) {
	switch vendor {
	case "supabase":
		return d.project.Projects.Owned(ctx, cursor)
	case "vercel":
		return d.frontend.Vercel.Owned(ctx, cursor)
	case "cloudflare":
		return d.dns.Zone.Owned(ctx, cursor)
	case "twilio":
		return d.sms.Twilio.Owned(ctx, cursor)
	case "sendgrid":
		return d.email.SendGrid.Owned(ctx, cursor)
	}
	return fleet.OwnedPage{}, fault.New(fault.Internal, "there is no vendor %q", vendor)
}

// Resource is how what a ledger entry tells of is looked for by its name. Settings, which can't be doubled, are not.
func (d Deps) Resource(ctx context.Context, run *step.Run, e fleet.Resource) (res step.Resource, err error) {
	name := fleet.ResourceName(run.Instance.ID)
	var outer fleet.Resource
	if kind, inside := fleet.Inside()[e.Kind]; inside && kind != fleet.DNSRecord {
		if outer, err = run.Ledger(ctx, kind, name); err != nil {
			return res, err
		}
	}
	switch e.Kind {
	case fleet.SupabaseProject:
		res = d.project.Resource(run, e.Name)
	case fleet.VercelProject:
		res = d.frontend.Project(run, e.Name)
	case fleet.VercelDomain:
		res = d.frontend.Domain(run, e.Name)
	case fleet.VercelDeployment:
		res = d.frontend.Deployment(outer, e.Name)
	case fleet.DNSRecord:
		res = d.dns.Record(run, e.Name, "")
	case fleet.CloudflareRule:
		res = d.dns.Rule(run, e.Name)
	case fleet.TwilioSubaccount:
		res = d.sms.Account(run, e.Name)
	case fleet.TwilioKey:
		res = d.sms.Key(outer.ID, e.Name)
	case fleet.TwilioService:
		res = d.sms.Service(run, outer.ID, e.Name)
	case fleet.SendGridSubuser:
		res = d.email.Subuser(run, e.Name)
	case fleet.SendGridKey:
		res = d.email.APIKey(outer.Name, e.Name)
	case fleet.SendGridDomain:
		res = d.email.Domain(outer.Name, e.Name)
	case fleet.SendGridWebhook:
		res = d.email.Webhook(run, outer.Name, e.Name)
	default:
		return res, fault.New(fault.Internal, "there is no way to look for %s again", e.Kind)
	}
	return res, nil
}
