package notice

import (
	"context"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/download"
	"github.com/project-gimbal/fleet/internal/store"
)

// ready is the message of the outbox that tells the administrator of an export.
func (d Deps) ready(env step.Env, m fleet.Message, s fleet.Signup) step.Outgoing {
	return step.Outgoing{Message: step.Message{ID: m.ID, Recipient: m.Recipient, Deliver: func(ctx context.Context, id string) (string, error) {
		return d.tellReady(ctx, env, s, id)
	}}, Needed: func(tx *store.Tx) (bool, error) {
		i, err := tx.Instance()
		if err != nil || i == nil || i.State == fleet.Terminated {
			return false, err
		}
		e, err := tx.Export(fleet.ReadyExport(m.ID))
		return err == nil && e != nil && e.Given(tx.Now()), err
	}, Again: "send it once more, or tell the administrator by hand"}
}

// tellReady sends the link to an export's page.
func (d Deps) tellReady(ctx context.Context, env step.Env, s fleet.Signup, id string) (string, error) {
	e, err := env.Store.Export(ctx, s.InstanceID, fleet.ReadyExport(id))
	if err == nil && e == nil {
		err = fault.New(fault.Internal, "message %s is about no export", id)
	}
	if err != nil {
		return "", step.Unsent(err)
	}
	link, err := download.Link(ctx, env, *e)
	if err != nil {
		return "", step.Unsent(err)
	}
	return d.toAdministrator(ctx, env, s, "export-ready", id, map[string]string{"Link": link, "Made": day(e.BegunAt), "Until": day(e.ExpiresAt)})
}

// code is the message of the outbox that brings a code. It is made when it is sent, and stored nowhere.
func (d Deps) code(env step.Env, m fleet.Message, s fleet.Signup) step.Outgoing {
	export, n := fleet.CodeOf(m.ID)
	return step.Outgoing{Message: step.Message{ID: m.ID, Recipient: m.Recipient, Deliver: func(ctx context.Context, id string) (string, error) {
		code, err := download.NewCode(ctx, env, s.InstanceID, export, n)
		if err != nil {
			return "", step.Unsent(err)
		}
		return d.toAdministrator(ctx, env, s, "download-code", id, map[string]string{"Code": code.Reveal(),
			"Minutes": strconv.Itoa(int(fleet.CodeValid / time.Minute))})
	}}, Needed: func(tx *store.Tx) (bool, error) { return download.Awaited(tx, export, n) },
		Told: func(tx *store.Tx, status fleet.MessageStatus) error {
			if status == fleet.MessageSent {
				tx.Audit(download.Sent(env, export, n))
			}
			return nil
		},
		Again: "the administrator can ask for another code on the page"}
}

// toAdministrator fills a text in and hands it to SendGrid.
func (d Deps) toAdministrator(ctx context.Context, env step.Env, s fleet.Signup, text, id string, facts map[string]string) (string, error) {
	i, err := env.Store.Instance(ctx, s.InstanceID)
	if err == nil && i == nil {
		err = fault.New(fault.Internal, "message %s is about no instance", id)
	}
	if err != nil {
		return "", step.Unsent(err)
	}
	applicant, err := step.OpenApplicant(ctx, env, s)
	if err != nil {
		return "", step.Unsent(err)
	}
	facts["Name"], facts["Company"], facts["Home"], facts["From"] = applicant.AdminName, applicant.Company, i.Origin(), env.Provider.Settings.MailFrom
	mail := sendgrid.Mail{To: applicant.AdminEmail, ToName: applicant.AdminName, From: env.Provider.Settings.MailFrom, FromName: "Gimbal", MessageID: s.InstanceID + "/" + id}
	if mail.Subject, mail.Text, err = compose(text, facts); err != nil {
		return "", err
	}
	return d.Mail.SendMail(ctx, mail)
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }
