package notice

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/steps/ending"
	"github.com/project-gimbal/fleet/internal/store"
)

// mailer is the vendor by whom all mail goes.
const mailer = "sendgrid"

// Deliver sends the messages of the outbox, the longest there first, each at most once whatever dies. What can't be sent now stays
// for the next invocation; one that is given up, or may not have been sent, is an incident. While what it needs is frozen or down it
// waits.
func Deliver(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		if waits, err := step.Waits(ctx, env, mailer); err != nil || waits {
			return err
		}
		outbox, failed := env.Store.Outbox(ctx)
		for _, m := range outbox {
			if !step.HasTime(ctx, env.Clock, bounds.Call+bounds.Margin) {
				break // the next invocation goes on from here
			}
			err := d.deliver(ctx, env, m)
			if err != nil {
				env.Log.WarnContext(ctx, "message was not sent", "instance", m.InstanceID, "message", m.ID, "code", fault.CodeOf(err))
			}
			if fault.Is(err, fault.NotReady) || step.Later(err) {
				err = nil // another attempt may still act, or the next invocation sends it
			}
			failed = errors.Join(failed, err)
		}
		return failed
	}
}

func (d Deps) deliver(ctx context.Context, env step.Env, m fleet.Message) error {
	s, err := env.Store.Signup(ctx, m.InstanceID)
	if err != nil {
		return err
	}
	if s == nil {
		return fault.New(fault.Internal, "message %s is about no signup", m.ID)
	}
	if m.ID == fleet.DecisionWanted && slices.Contains(env.Settings.AutoApprove, s.Plan) &&
		env.Clock.Now().Before(s.RequestedAt.Add(bounds.AutoApproval)) {
		return nil // Fleet may decide it by itself yet
	}
	o := d.outgoing(env, m, *s)
	o.InstanceID, o.Name, o.Vendor = m.InstanceID, "Deliver", mailer
	return step.Deliver(step.About(ctx, fleet.RunInput{InstanceID: m.InstanceID}), env, o)
}

// outgoing is how a message is sent, by what it is about.
func (d Deps) outgoing(env step.Env, m fleet.Message, s fleet.Signup) step.Outgoing {
	if fleet.ReadyExport(m.ID) != "" {
		return d.ready(env, m, s)
	}
	if export, _ := fleet.CodeOf(m.ID); export != "" {
		return d.code(env, m, s)
	}
	if text, _ := fleet.EndText(m.ID); text != "" {
		return d.end(env, m, s)
	}
	return d.ofSignup(env, m, s)
}

func (d Deps) ofSignup(env step.Env, m fleet.Message, s fleet.Signup) step.Outgoing {
	return step.Outgoing{
		Message: step.Message{ID: m.ID, Recipient: m.Recipient, Deliver: func(ctx context.Context, id string) (string, error) {
			return d.tell(ctx, env, s, id)
		}},
		Needed: func(tx *store.Tx) (bool, error) {
			now, err := tx.Signup()
			return err == nil && now != nil && (m.ID != fleet.DecisionWanted || now.Status == fleet.Requested && tx.Now().Before(decision.Deadline(*now))), err
		},
		Told: func(tx *store.Tx, status fleet.MessageStatus) error {
			if m.ID == fleet.DecisionWanted || status != fleet.MessageSent {
				return nil // what is not surely sent, a person sees to: they need the applicant's address
			}
			now, err := tx.Signup()
			if err != nil || now == nil {
				return err
			}
			return ending.Forget(tx, now, env.Request)
		}, Again: "tell the recipient by hand"}
}

// tell composes a message about a signup and hands it to SendGrid.
func (d Deps) tell(ctx context.Context, env step.Env, s fleet.Signup, id string) (string, error) {
	applicant, err := step.OpenApplicant(ctx, env, s)
	if err != nil {
		return "", step.Unsent(err)
	}
	facts := map[string]string{"Name": applicant.AdminName, "Company": applicant.Company, "Slug": s.Slug, "Plan": s.Plan,
		"Region": s.Region, "Reason": s.Reason, "Until": decision.Deadline(s).UTC().Format(time.RFC1123), "Signup": s.InstanceID}
	mail := sendgrid.Mail{To: applicant.AdminEmail, ToName: applicant.AdminName}
	if id == fleet.DecisionWanted {
		mail = sendgrid.Mail{To: env.Provider.Settings.OperatorMail}
		if facts["Link"], err = decision.Link(ctx, env, s, id); err != nil {
			return "", step.Unsent(err)
		}
	}
	if mail.Subject, mail.Text, err = compose(id, facts); err != nil {
		return "", err
	}
	mail.From, mail.FromName, mail.MessageID = env.Provider.Settings.MailFrom, "Gimbal", s.InstanceID+"/"+id
	return d.Mail.SendMail(ctx, mail)
}
