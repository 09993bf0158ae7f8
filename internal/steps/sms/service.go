package sms

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/step"
)

// amiss is the attribute of a Messaging Service that was found with other callbacks than the instance's.
const amiss = "callbacks_amiss"

// callbacks are where the instance hears of messages: replies, such as a STOP, and what became of those it sent.
func callbacks(run *step.Run) twilio.Callbacks {
	at := run.Instance.Origin() + "/api/webhooks/twilio"
	return twilio.Callbacks{Inbound: at + "/inbound", Status: at + "/status"}
}

// Service is the instance's Messaging Service in its subaccount.
func (d Deps) Service(run *step.Run, account, name string) step.Resource {
	owner := d.owner(account)
	shown := func(s twilio.Service) step.Found {
		found := step.Found{ID: s.SID, Created: s.Created}
		if s.Callbacks != callbacks(run) {
			found.Attributes = map[string]string{amiss: "true"}
		}
		return found
	}
	return step.Resource{
		Kind: fleet.TwilioService,
		Name: name,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			a, open, err := owner(ctx)
			if err != nil || !open {
				return nil, err
			}
			services, err := d.Twilio.FindServices(ctx, a, name)
			err = d.unlessClosed(ctx, account, err)
			found := make([]step.Found, 0, len(services))
			for _, s := range services {
				found = append(found, shown(s))
			}
			return found, err
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			a, err := owned(owner(ctx))
			if err != nil {
				return step.Found{}, step.Unsent(err)
			}
			s, err := d.Twilio.CreateService(ctx, a, name, callbacks(run))
			return shown(s), err
		},
		Delete: func(ctx context.Context, sid string) error {
			a, open, err := owner(ctx)
			if err != nil || !open {
				return err
			}
			return d.unlessClosed(ctx, account, d.Twilio.DeleteService(ctx, a, sid))
		},
	}
}

// owner gives the subaccount, read once, as which alone its services are reached. One that isn't open has none to reach.
func (d Deps) owner(sid string) func(context.Context) (a twilio.Account, open bool, err error) {
	var read twilio.Account
	return func(ctx context.Context) (a twilio.Account, open bool, err error) {
		if read.SID == "" {
			a, open, err = d.Twilio.OpenAccount(ctx, sid)
			if err != nil || !open {
				return a, open, err
			}
			read = a
		}
		return read, true, nil
	}
}

// unlessClosed is a refusal, unless the account was closed meanwhile, as by the same step that runs twice: nothing in it is reached then.
func (d Deps) unlessClosed(ctx context.Context, account string, refused error) error {
	if !fault.Is(refused, fault.Rejected, fault.Conflict) {
		return refused
	}
	if _, open, err := d.Twilio.OpenAccount(ctx, account); err != nil || open {
		return step.Join(refused, err)
	}
	return nil
}

// owned is an owner that has to be open.
func owned(a twilio.Account, open bool, err error) (twilio.Account, error) {
	if err == nil && !open {
		err = fault.New(fault.Conflict, "the instance's subaccount is closed")
	}
	return a, err
}

// listen makes the Messaging Service, or adopts the one an earlier attempt made. One that calls elsewhere is mended.
func (d Deps) listen(ctx context.Context, run *step.Run, account, name string) error {
	if err := run.Ensure(ctx, d.Service(run, account, name)); err != nil {
		return err
	}
	service, err := run.Ledger(ctx, fleet.TwilioService, name)
	if err != nil || service.Attributes[amiss] == "" {
		return err
	}
	return run.Change(ctx, step.Change{Kind: fleet.TwilioCallbacks, Name: name, Apply: func(ctx context.Context) error {
		a, err := owned(d.owner(account)(ctx))
		if err != nil {
			return step.Unsent(err)
		}
		return d.Twilio.SetCallbacks(ctx, a, service.ID, callbacks(run))
	}})
}
