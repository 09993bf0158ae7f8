// Package notice sends Fleet's own mail to customers and operators.
package notice

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"os"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/admin"
	"github.com/project-gimbal/fleet/internal/steps/history"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these steps use.
type Deps struct {
	Mail  *sendgrid.Client
	admin admin.Deps
}

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	users, err := admin.Open(env)
	return Deps{sendgrid.New(env.Provider), users}, err
}

// Customer invites the administrator, welcomes them, and tells the operator. Each message is sent at most once, whatever
// dies; one that can't be sent, or may not have been, is an incident and holds up nothing. Then how the instance is set up goes into the
// history.
func Customer(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		messages, err := d.messages(ctx, run)
		if err != nil {
			return err
		}
		var failed []error
		for _, m := range messages {
			failed = append(failed, run.Send(ctx, m))
		}
		return step.Join(append(failed, remember(ctx, run))...)
	}
}

// remember keeps how the instance is set up. Where that is refused, or fails until the deadline, it is an incident.
func remember(ctx context.Context, run *step.Run) error {
	text, err := history.Configuration(run.Instance, run.Signup)
	if err == nil {
		err = history.Keep(ctx, run.Env, run.Instance.ID, run.Instance.ActivatedAt, text)
	}
	if err == nil || fault.CodeOf(err).Transient() && run.Overdue() == nil {
		return err
	}
	run.Log.WarnContext(ctx, "the configuration was not kept", "instance", run.Instance.ID, "code", fault.CodeOf(err), "error", step.SafeText(err))
	return run.Update(ctx, func(tx *store.Tx) error {
		return tx.Open(fleet.Incident{ID: "history-" + run.Operation.ID, Code: fleet.IncidentHistoryMissing,
			Reason:     "how it is set up could not be written into the history of configurations: " + string(fault.CodeOf(err)),
			NextAction: "mend the cause; an export writes it, too: fleetctl export " + run.Instance.ID})
	})
}

// messages are those that the instance's people get, in this order, by the ids of fleet.NewInstanceMessages.
func (d Deps) messages(ctx context.Context, run *step.Run) ([]step.Message, error) {
	applicant, err := run.Applicant(ctx)
	if err != nil {
		return nil, err
	}
	home := "https://" + run.Instance.Host
	facts := map[string]string{"Name": applicant.AdminName, "Company": applicant.Company, "Home": home, "Instance": run.Instance.ID}
	to := sendgrid.Mail{To: applicant.AdminEmail, ToName: applicant.AdminName}
	return []step.Message{
		{ID: fleet.Invitation, Recipient: "admin", Deliver: func(ctx context.Context, id string) (string, error) {
			link, err := d.admin.Invite(ctx, run, applicant.AdminEmail)
			if err != nil {
				return "", step.Unsent(err)
			}
			withLink := map[string]string{"Link": link.Reveal()}
			for k, v := range facts {
				withLink[k] = v
			}
			return d.send(ctx, run, id, to, withLink)
		}},
		{ID: fleet.Welcome, Recipient: "admin", Deliver: func(ctx context.Context, id string) (string, error) {
			return d.send(ctx, run, id, to, facts)
		}},
		{ID: fleet.OperatorWord, Recipient: "operator", Deliver: func(ctx context.Context, id string) (string, error) {
			return d.send(ctx, run, id, sendgrid.Mail{To: run.Provider.Settings.OperatorMail}, facts)
		}},
	}, nil
}

//go:embed messages/*.txt
var messages embed.FS

// send fills a message in, or that which it repeats, and hands it to SendGrid.
func (d Deps) send(ctx context.Context, run *step.Run, id string, m sendgrid.Mail, facts map[string]string) (string, error) {
	var err error
	if m.Subject, m.Text, err = compose(cmp.Or(fleet.AnnouncementText(id), fleet.OriginalMessage(id)), facts); err != nil {
		return "", err
	}
	m.From, m.FromName = run.Provider.Settings.MailFrom, "Gimbal"
	m.MessageID = run.Instance.ID + "/" + id
	return d.Mail.SendMail(ctx, m)
}

// compose fills the facts into messages/<id>.txt, whose first line is the subject: ${Name} stands for the fact of that name.
// (A template package would do more, but it calls methods by name, and then the linker must keep every method of every vendor's
// library: three megabytes more.)
func compose(id string, facts map[string]string) (subject, text string, err error) {
	source, err := messages.ReadFile("messages/" + id + ".txt")
	filled := os.Expand(string(source), func(name string) string {
		fact, ok := facts[name]
		if !ok {
			err = errors.Join(err, errors.New("no fact "+name))
		}
		return fact
	})
	if err != nil {
		return "", "", &fault.Error{Code: fault.Internal, Text: "message " + id + " can't be composed", NothingHappened: true, Err: err}
	}
	subject, text, _ = strings.Cut(filled, "\n")
	return subject, strings.TrimSpace(text), nil
}
