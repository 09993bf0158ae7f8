package notice

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
)

// Suspended tells the administrator that their instance is suspended, and why, unless that is not for this operation to tell. The
// message is sent at most once, as any other.
func Suspended(d Deps) step.Func { return d.announce }

// Resumed tells the administrator that their instance is up again.
func Resumed(d Deps) step.Func { return d.announce }

// announce sends the operation's announcement. Of what is undone nobody was told, and nobody is.
func (d Deps) announce(ctx context.Context, run *step.Run) error {
	id := run.Operation.Announcement()
	if id == "" || run.Operation.Phase == fleet.Undoing {
		return nil
	}
	m, err := d.announcement(ctx, run, id)
	if err != nil {
		return err
	}
	return run.Send(ctx, m)
}

func (d Deps) announcement(ctx context.Context, run *step.Run, id string) (step.Message, error) {
	applicant, err := run.Applicant(ctx)
	if err != nil {
		return step.Message{}, err
	}
	facts := map[string]string{"Name": applicant.AdminName, "Company": applicant.Company, "Home": run.Instance.Origin(), "From": run.Provider.Settings.MailFrom}
	to := sendgrid.Mail{To: applicant.AdminEmail, ToName: applicant.AdminName}
	return step.Message{ID: id, Recipient: "admin", Deliver: func(ctx context.Context, id string) (string, error) {
		return d.send(ctx, run, id, to, facts)
	}}, nil
}
