package notice

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Resend sends a message of an active instance once more, as an operator wishes: a new message, with an id of its own that tells
// which it repeats, under a short operation of its own. It is sent at most once, like any other; one that is surely sent closes
// the incidents of those it repeats. Each request is a new message: a repeat of the request sends again.
//
// 202 with the message and what became of it; 404 for an instance or a message that isn't there; 409 for an instance that is not
// active, while an operation runs or what it needs is frozen, for a message that is still on its way, and for the invitation into an
// instance with an import; 424 where the vendor doesn't take it now.
func Resend(d Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var wanted view.Resend
		if !fleet.IsInstanceID(r.ID) {
			return 0, nil, unknown("there is no such instance")
		}
		if err := r.Decode(&wanted); err != nil {
			return 0, nil, err
		}
		if !httpapi.Printable(wanted.Message, 200) {
			return 0, nil, httpapi.BadFields{"message": "the id of a message that was tried before"}
		}
		sent, err := d.resend(ctx, env, r, wanted.Message)
		return http.StatusAccepted, sent, err
	})
}

func unknown(what string) error { return httpapi.Refuse(http.StatusNotFound, fault.Rejected, what) }

func (d Deps) resend(ctx context.Context, env step.Env, r httpapi.Request, id string) (view.Operation, error) {
	run, err := begin(ctx, env, r, id)
	if err != nil {
		return view.Operation{}, err
	}
	ctx = step.About(ctx, run.Input)
	sending := d.again(ctx, run)
	ended := operation.EndShort(ctx, run, fleet.Succeeded)
	m, err := env.Store.Message(ctx, run.Instance.ID, run.Operation.Message)
	switch {
	case err == nil && m != nil && m.Status == fleet.MessageSent: // whoever is told otherwise sends it again
		if ended != nil {
			env.Log.WarnContext(ctx, "the operation was not ended; reconcile ends it", "code", fault.CodeOf(ended))
		}
		return view.Operation{Operation: run.Operation.ID, Message: m}, nil
	case ended != nil:
		return view.Operation{}, ended
	case fault.CodeOf(sending).Transient():
		return view.Operation{}, httpapi.Later(fault.CodeOf(sending), "the message was not sent; try again in a moment")
	}
	return view.Operation{Operation: run.Operation.ID, Message: m}, errors.Join(sending, err)
}

// begin takes the lease.
func begin(ctx context.Context, env step.Env, r httpapi.Request, id string) (*step.Run, error) {
	there, err := env.Store.Instance(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if there == nil {
		return nil, unknown("there is no such instance")
	}
	before, err := env.Store.Message(ctx, r.ID, id)
	if err != nil {
		return nil, err
	}
	if before == nil {
		return nil, unknown("the instance has no such message")
	}
	if code, _ := fleet.CodeOf(id); code != "" {
		return nil, httpapi.Conflict("a code is not sent once more: the administrator asks for another one on the page")
	}
	if slices.Contains(fleet.SignupMessages(), id) {
		return nil, httpapi.Conflict("the message was about the signup, which is decided: it is not sent once more")
	}
	in, err := operation.BeginShort(ctx, env, r.ID, operation.Short{Kind: fleet.Resend, Phase: fleet.Sending, Actor: r.Operator,
		Reason: "sending message " + id + " once more", Needs: needs(id), Repeats: *before,
		Allow: func(tx *store.Tx, i *fleet.Instance) error {
			m, err := tx.Message(id)
			switch {
			case err != nil:
				return err
			case !(i.State == fleet.Active || i.State == fleet.Suspended && (fleet.AnnouncementText(id) != "" || fleet.ReadyExport(id) != "" || endOf(id))):
				return httpapi.Conflict("the instance is " + string(i.State) + ": only an active one's messages are sent once more, and a suspended one's about that, its exports or its end")
			case !told(*i, id):
				return httpapi.Conflict("what the message tells is not so any more")
			case m == nil || !m.Done():
				return httpapi.Conflict("the message is still on its way: wait for what becomes of it")
			}
			return errors.Join(invitable(ctx, env, r.ID, id), operation.PostponeNotice(tx, i, id))
		}})
	if busy, ok := errors.AsType[operation.Busy](err); ok {
		return nil, httpapi.Conflict(busy.Error() + ": try again when it has ended")
	}
	if held, ok := errors.AsType[operation.Held](err); ok {
		return nil, httpapi.Conflict(held.Error() + " (" + held.Freeze.Reason + "): send it after the thaw")
	}
	if err != nil {
		return nil, err
	}
	return step.Begin(ctx, env, catalog.Resend.State(), in)
}

// invitable refuses the invitation to an instance into which somebody else's administrators were imported.
func invitable(ctx context.Context, env step.Env, instanceID, id string) error {
	if fleet.OriginalMessage(id) != fleet.Invitation {
		return nil
	}
	all, err := env.Store.Operations(ctx, instanceID)
	if slices.ContainsFunc(all, func(o fleet.Operation) bool { return o.Kind == fleet.TakeIn && !o.Import.Untouched() }) {
		return httpapi.Conflict("an import replaced the administrator who was invited: its administrators sign in with the passwords they had, or ask for a new one on the sign-in page")
	}
	return err
}

// endOf reports whether a message is about an instance's end.
func endOf(id string) bool {
	text, _ := fleet.EndText(id)
	return text != ""
}

// told reports whether what a message tells is still so.
func told(i fleet.Instance, id string) bool {
	text, n := fleet.EndText(id)
	return text == "" || i.Decommission.Needs(text, n)
}

// needs are the vendors that a message needs: the invitation's link comes from the instance's project.
func needs(id string) []string {
	if fleet.OriginalMessage(id) == fleet.Invitation {
		return []string{"sendgrid", "supabase"}
	}
	return []string{"sendgrid"}
}

// again sends the operation's message, of the text that the original has.
func (d Deps) again(ctx context.Context, run *step.Run) error {
	original := fleet.OriginalMessage(run.Operation.Message)
	if fleet.AnnouncementText(original) != "" {
		m, err := d.announcement(ctx, run, run.Operation.Message)
		if err != nil {
			return err
		}
		return run.Send(ctx, m)
	}
	if fleet.ReadyExport(original) != "" {
		return run.Send(ctx, step.Message{ID: run.Operation.Message, Recipient: "admin", Deliver: func(ctx context.Context, id string) (string, error) {
			return d.tellReady(ctx, run.Env, run.Signup, id)
		}})
	}
	if endOf(original) {
		return run.Send(ctx, step.Message{ID: run.Operation.Message, Recipient: "admin", Deliver: func(ctx context.Context, id string) (string, error) {
			return d.tellEnd(ctx, run.Env, run.Signup, id)
		}})
	}
	all, err := d.messages(ctx, run)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.ID != original {
			continue
		}
		m.ID = run.Operation.Message
		return run.Send(ctx, m)
	}
	return fault.New(fault.Internal, "there is no text for this message")
}
