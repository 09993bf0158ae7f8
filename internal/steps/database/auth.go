package database

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
)

// SendGrid's mail server; the user of every key is the word "apikey".
// https://www.twilio.com/docs/sendgrid/for-developers/sending-email/getting-started-smtp
const (
	mailServer = "smtp.sendgrid.net"
	mailPort   = 587 // STARTTLS
	mailUser   = "apikey"
)

// allowedOrigin is the variable of the Edge Functions that names the one origin they answer browsers of.
const allowedOrigin = "CORS_ALLOWED_ORIGIN"

// configureAuth sets the Auth service up, each concern as a change of its own, so that one that fails or is changed later
// leaves the others alone. All write over what is there.
func (d Deps) configureAuth(ctx context.Context, run *step.Run, ref string) error {
	for _, c := range []struct {
		name     string
		settings func(context.Context, *step.Run) (supabase.AuthSettings, error)
	}{
		{"site", site}, {"access", access}, {"mail", mail}, {"limits", limits},
	} {
		err := run.Change(ctx, step.Change{Kind: fleet.AuthSettings, Name: c.name, Apply: func(ctx context.Context) error {
			settings, err := c.settings(ctx, run)
			if err != nil {
				return step.Unsent(err)
			}
			return d.Projects.UpdateAuth(ctx, ref, settings)
		}})
		if err != nil {
			return err
		}
	}
	return run.Change(ctx, step.Change{Kind: fleet.EdgeSecrets, Name: "cors", Apply: func(ctx context.Context) error {
		return d.Projects.SetEdgeSecrets(ctx, ref, []supabase.EdgeSecret{
			{Name: allowedOrigin, Value: provider.NewSecret(run.Instance.Origin())}})
	}})
}

// site has every link lead to the instance's own host, and nowhere else. Its paths are the release's, which may differ from
// one to the next.
func site(_ context.Context, run *step.Run) (supabase.AuthSettings, error) {
	home := run.Instance.Origin()
	return supabase.AuthSettings{SiteURL: home, RedirectURLs: []string{home + "/**"}}, nil
}

// access lets in who was invited, by address and password, and nobody else. The link of an invitation is good for a day, the
// longest that the vendor allows.
func access(context.Context, *step.Run) (supabase.AuthSettings, error) {
	yes, no := true, false
	return supabase.AuthSettings{DisableSignup: &yes, AnonymousUsers: &no, PhoneLogin: &no, EmailLogin: &yes, Autoconfirm: &no,
		SecureEmailChange: &yes, PasswordMinLength: 12, TokenExpiry: 3600, RotateRefreshTokens: &yes, LinkExpiry: 24 * 3600}, nil
}

// mail sends the instance's mail through its own subuser, from its own authenticated domain, under the company's name.
func mail(ctx context.Context, run *step.Run) (supabase.AuthSettings, error) {
	key, err := run.Recall(ctx, fleet.MailKey)
	if err != nil {
		return supabase.AuthSettings{}, err
	}
	applicant, err := run.Applicant(ctx)
	if err != nil {
		return supabase.AuthSettings{}, err
	}
	return supabase.AuthSettings{SMTP: &supabase.SMTP{Host: mailServer, Port: mailPort, User: mailUser, Password: key,
		SenderName: applicant.Company, SenderMail: "no-reply@" + run.Instance.Host}}, nil
}

// limits are those of a company's staff, many of whom share one address; the vendor takes the first only after mail.
func limits(context.Context, *step.Run) (supabase.AuthSettings, error) {
	return supabase.AuthSettings{Rates: supabase.Rates{Emails: 100, EmailFrequency: 60, OneTimeCodes: 30, Verifications: 30, TokenRefreshes: 300}}, nil
}
