// Package sms handles an instance's Twilio subaccount, and what is in it.
package sms

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these steps use.
type Deps struct{ Twilio *twilio.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{twilio.New(env.Provider)}, nil }

// Account is the instance's subaccount. The parent can list its token, so a lost answer loses nothing.
func (d Deps) Account(_ *step.Run, name string) step.Resource {
	shown := func(a twilio.Account) step.Found {
		return step.Found{ID: a.SID, Secrets: map[string]provider.Secret{fleet.SMSToken: a.Token}}
	}
	return step.Resource{
		Kind: fleet.TwilioSubaccount,
		Name: name,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			accounts, err := d.Twilio.FindAccounts(ctx, name)
			found := make([]step.Found, 0, len(accounts))
			for _, a := range accounts {
				found = append(found, shown(a))
			}
			return found, err
		},
		Look: func(ctx context.Context, sid string) ([]step.Found, error) {
			a, open, err := d.Twilio.OpenAccount(ctx, sid)
			if err != nil || !open {
				return nil, err
			}
			return []step.Found{{ID: a.SID, Name: a.Name}}, nil
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			a, err := d.Twilio.CreateAccount(ctx, name)
			return shown(a), err
		},
		Delete: d.Twilio.CloseAccount,
	}
}

// Key is the instance's API key in its subaccount. Its secret is shown once, so one that is found is replaced.
func (d Deps) Key(account, name string) step.Resource {
	return step.Resource{
		Kind:    fleet.TwilioKey,
		Name:    name,
		Replace: true,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			keys, err := d.Twilio.FindKeys(ctx, account, name)
			found := make([]step.Found, 0, len(keys))
			for _, k := range keys {
				found = append(found, step.Found{ID: k.SID})
			}
			return found, err
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			k, err := d.Twilio.CreateKey(ctx, account, name)
			return step.Found{ID: k.SID, Secrets: map[string]provider.Secret{fleet.SMSKeySecret: k.Secret}}, err
		},
		Delete: func(ctx context.Context, sid string) error { return d.Twilio.DeleteKey(ctx, account, sid) },
	}
}

// Create makes the subaccount, or adopts the one an earlier attempt made, and in it a key and the Messaging Service that tells
// the instance of its messages.
func Create(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		if err := run.Ensure(ctx, d.Account(run, name)); err != nil {
			return err
		}
		account, err := run.Ledger(ctx, fleet.TwilioSubaccount, name)
		if err != nil {
			return err
		}
		if err := run.Ensure(ctx, d.Key(account.ID, name)); err != nil {
			return err
		}
		return d.listen(ctx, run, account.ID, name)
	}
}

// Suspend has Twilio refuse whatever the instance asks for. A replay finds it suspended.
func Suspend(d Deps) step.Func { return d.switching(fleet.Stopped) }

// Reactivate ends that. A replay finds it active.
func Reactivate(d Deps) step.Func { return d.switching(fleet.Serving) }

func (d Deps) switching(to fleet.Setting) step.Func {
	set := map[fleet.Setting]func(context.Context, string) error{fleet.Stopped: d.Twilio.Suspend, fleet.Serving: d.Twilio.Reactivate}[to]
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		account, err := run.Ledger(ctx, fleet.TwilioSubaccount, name)
		if err != nil {
			return err
		}
		return run.Switch(ctx, step.Switch{Kind: fleet.SMSSuspension, Name: name, To: to, In: d.Account(run, name),
			Apply: func(ctx context.Context, _ string) error { return set(ctx, account.ID) }})
	}
}

// open ends a suspension of the account. Of one that was closed by hand there is none to end.
func (d Deps) open(ctx context.Context, run *step.Run, account string) error {
	refused := Reactivate(d)(ctx, run)
	if fault.Is(refused, fault.StaleEpoch) { // of another run, or of the same step, which runs twice and is further
		return run.Prove(ctx)
	}
	return d.unlessClosed(ctx, account, refused)
}

// Remove deletes the Messaging Service and then closes the subaccount, its keys with it. That can't be undone, and nothing in a
// closed subaccount can be reached: a service left in it would count against the parent's limit.
func Remove(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		account, err := run.Store.Resource(ctx, run.Instance.ID, fleet.TwilioSubaccount, fleet.ResourceName(run.Instance.ID))
		if err != nil || account == nil {
			return err
		}
		if account.Status == fleet.Created { // of a suspended one nothing is reached
			if err := d.open(ctx, run, account.ID); err != nil {
				return err
			}
		}
		err = run.RemoveAll(ctx, fleet.TwilioService, func(e fleet.Resource) step.Resource { return d.Service(run, account.ID, e.Name) })
		if err != nil {
			return err
		}
		return run.RemoveAll(ctx, fleet.TwilioSubaccount, func(e fleet.Resource) step.Resource { return d.Account(run, e.Name) })
	}
}
