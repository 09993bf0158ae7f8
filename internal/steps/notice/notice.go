// Package notice sends Fleet's own mail to customers and operators.
package notice

import (
	"context"
	_ "embed"
	"strings"
	"text/template"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/admin"
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

// The messages of a new instance.
const (
	Invitation   = "invitation"
	Welcome      = "welcome"
	OperatorWord = "operator-word"
)

// Messages lists the ids of the messages that a new instance's people get.
func Messages() []string { return []string{Invitation, Welcome, OperatorWord} }

// Customer invites the administrator, welcomes them, and tells the operator. Each message is sent at most once, whatever
// dies; one that can't be sent, or may not have been, is an incident and holds up nothing.
func Customer(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		applicant, err := run.Applicant(ctx)
		if err != nil {
			return err
		}
		home := "https://" + run.Instance.Host
		facts := map[string]string{"Name": applicant.AdminName, "Company": applicant.Company, "Home": home, "Instance": run.Instance.ID}
		to := sendgrid.Mail{To: applicant.AdminEmail, ToName: applicant.AdminName}
		return step.Join(
			run.Send(ctx, step.Message{ID: Invitation, Recipient: "admin", Deliver: func(ctx context.Context) (string, error) {
				link, err := d.admin.Invite(ctx, run, applicant.AdminEmail)
				if err != nil {
					return "", step.Unsent(err)
				}
				withLink := map[string]string{"Link": link.Reveal()}
				for k, v := range facts {
					withLink[k] = v
				}
				return d.send(ctx, run, Invitation, to, withLink)
			}}),
			run.Send(ctx, step.Message{ID: Welcome, Recipient: "admin", Deliver: func(ctx context.Context) (string, error) {
				return d.send(ctx, run, Welcome, to, facts)
			}}),
			run.Send(ctx, step.Message{ID: OperatorWord, Recipient: "operator", Deliver: func(ctx context.Context) (string, error) {
				return d.send(ctx, run, OperatorWord, sendgrid.Mail{To: run.Provider.Settings.OperatorMail}, facts)
			}}),
		)
	}
}

//go:embed messages.txt
var messages string

var texts = template.Must(template.New("").Option("missingkey=error").Parse(messages))

// send fills a message's subject and text in and hands it to SendGrid.
func (d Deps) send(ctx context.Context, run *step.Run, id string, m sendgrid.Mail, facts map[string]string) (string, error) {
	var err error
	if m.Subject, err = fill(id+"-subject", facts); err != nil {
		return "", err
	}
	if m.Text, err = fill(id, facts); err != nil {
		return "", err
	}
	m.From, m.FromName = run.Provider.Settings.MailFrom, "Gimbal"
	m.MessageID = run.Instance.ID + "/" + id
	return d.Mail.SendMail(ctx, m)
}

func fill(name string, facts map[string]string) (string, error) {
	var b strings.Builder
	if err := texts.ExecuteTemplate(&b, name, facts); err != nil {
		return "", &fault.Error{Code: fault.Internal, Text: "message " + name + " can't be composed", NothingHappened: true, Err: err}
	}
	return strings.TrimSpace(b.String()), nil
}
