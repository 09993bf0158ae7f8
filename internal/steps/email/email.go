// Package email handles an instance's SendGrid subuser, and what is in it: a key, the authenticated domain and an Event Webhook.
package email

import (
	"context"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
)

// subdomain is the label under the instance's host that bounces come back to.
const subdomain = "em"

// Deps is what these steps use.
type Deps struct{ SendGrid *sendgrid.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{sendgrid.New(env.Provider)}, nil }

// Subuser is the instance's subuser. Deleting it takes its keys and its domain along.
func (d Deps) Subuser(run *step.Run, name string) step.Resource {
	find := func(ctx context.Context, name string) ([]step.Found, error) {
		users, err := d.SendGrid.FindSubusers(ctx, name)
		found := make([]step.Found, 0, len(users))
		for _, u := range users {
			found = append(found, step.Found{ID: u.Username, Name: u.Username})
		}
		return found, err
	}
	return step.Resource{
		Kind: fleet.SendGridSubuser,
		Name: name,
		Find: find,
		Look: find, // its name is its id
		Create: func(ctx context.Context, name string) (step.Found, error) {
			password, err := run.Recall(ctx, fleet.SubuserPassword)
			if err != nil {
				return step.Found{}, step.Unsent(err)
			}
			u, err := d.SendGrid.CreateSubuser(ctx, sendgrid.NewSubuser{Username: name, Email: name + "@" + run.Provider.Settings.Domain, Password: password})
			return step.Found{ID: u.Username}, err
		},
		Delete: d.SendGrid.DeleteSubuser,
	}
}

// APIKey is the subuser's key. Its value is shown once, so one that is found is replaced.
func (d Deps) APIKey(subuser, name string) step.Resource {
	return step.Resource{
		Kind:    fleet.SendGridKey,
		Name:    name,
		Replace: true,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			keys, err := d.SendGrid.FindKeys(ctx, subuser, name)
			found := make([]step.Found, 0, len(keys))
			for _, k := range keys {
				found = append(found, step.Found{ID: k.ID})
			}
			return found, err
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			k, err := d.SendGrid.CreateKey(ctx, subuser, name, []string{"mail.send"})
			return step.Found{ID: k.ID, Secrets: map[string]provider.Secret{fleet.MailKey: k.Secret}}, err
		},
		Delete: func(ctx context.Context, id string) error { return d.SendGrid.DeleteKey(ctx, subuser, id) },
	}
}

// Domain is the subuser's authenticated domain: the instance's host name.
func (d Deps) Domain(subuser, host string) step.Resource {
	shown := func(dom sendgrid.Domain) step.Found {
		f := step.Found{ID: strconv.FormatInt(dom.ID, 10), Attributes: map[string]string{}}
		for _, r := range dom.Records {
			f.Attributes[fleet.MailRecordPrefix+r.Host] = r.Data
		}
		return f
	}
	return step.Resource{
		Kind: fleet.SendGridDomain,
		Name: host,
		Find: func(ctx context.Context, host string) ([]step.Found, error) {
			domains, err := d.SendGrid.FindDomains(ctx, subuser, host)
			found := make([]step.Found, 0, len(domains))
			for _, dom := range domains {
				found = append(found, shown(dom))
			}
			return found, err
		},
		Create: func(ctx context.Context, host string) (step.Found, error) {
			dom, err := d.SendGrid.AuthenticateDomain(ctx, subuser, host, subdomain)
			return shown(dom), err
		},
		Delete: func(ctx context.Context, id string) error {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return &fault.Error{Code: fault.Internal, Text: "the ledger's domain id is no number", Err: err}
			}
			return d.SendGrid.DeleteDomain(ctx, subuser, n)
		},
	}
}

// Create makes the subuser, its key, its domain and the webhook that tells the instance what becomes of its mail, or adopts what
// an earlier attempt made; a key is replaced.
func Create(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		if err := run.Ensure(ctx, d.Subuser(run, name)); err != nil {
			return err
		}
		if err := run.Ensure(ctx, d.APIKey(name, name)); err != nil {
			return err
		}
		if err := run.Ensure(ctx, d.Domain(name, run.Instance.Host)); err != nil {
			return err
		}
		return d.listen(ctx, run, name)
	}
}

// AwaitDomain waits until SendGrid finds the domain's records in DNS. Validation changes nothing, so a replay asks again.
func AwaitDomain(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := run.Ledger(ctx, fleet.SendGridDomain, run.Instance.Host)
		if err != nil {
			return err
		}
		id, err := strconv.ParseInt(entry.ID, 10, 64)
		if err != nil {
			return &fault.Error{Code: fault.Internal, Text: "the ledger's domain id is no number", Err: err}
		}
		return run.Poll(ctx, "the mail domain", func(ctx context.Context) (bool, error) {
			return d.SendGrid.ValidateDomain(ctx, fleet.ResourceName(run.Instance.ID), id)
		})
	}
}

// Disable has SendGrid take nothing more of the instance's subuser. A replay finds it disabled.
func Disable(d Deps) step.Func { return d.switching(fleet.Stopped) }

// Enable ends that. A replay finds it enabled.
func Enable(d Deps) step.Func { return d.switching(fleet.Serving) }

func (d Deps) switching(to fleet.Setting) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		return run.Switch(ctx, step.Switch{Kind: fleet.MailSuspension, Name: name, To: to, In: d.Subuser(run, name),
			Apply: func(ctx context.Context, _ string) error {
				return d.SendGrid.SetDisabled(ctx, name, to == fleet.Stopped)
			}})
	}
}

// open enables the subuser. One that was deleted by hand needn't be.
func (d Deps) open(ctx context.Context, run *step.Run, name string) error {
	failed := Enable(d)(ctx, run)
	if fault.Is(failed, fault.StaleEpoch) { // of another run, or of the same step, which runs twice and is further
		return run.Prove(ctx)
	}
	if !fault.Is(failed, fault.Rejected) {
		return failed
	}
	if users, err := d.SendGrid.FindSubusers(ctx, name); err != nil || len(users) > 0 {
		return step.Join(failed, err)
	}
	return nil
}

// Remove deletes the webhook, and then the subuser, its key and its domain with it. That can't be undone. Nothing says that a
// subuser's webhook stops with it: what comes late, such as a bounce, would be posted to whoever has the slug next.
func Remove(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		subuser, err := run.Store.Resource(ctx, run.Instance.ID, fleet.SendGridSubuser, name)
		if err != nil {
			return err
		}
		if subuser != nil && subuser.Status == fleet.Created { // for a disabled one nothing is done
			if err := d.open(ctx, run, name); err != nil {
				return err
			}
		}
		if err := run.RemoveAll(ctx, fleet.SendGridWebhook, func(e fleet.Resource) step.Resource { return d.Webhook(run, name, e.Name) }); err != nil {
			return err
		}
		return run.RemoveAll(ctx, fleet.SendGridSubuser, func(e fleet.Resource) step.Resource { return d.Subuser(run, e.Name) })
	}
}
