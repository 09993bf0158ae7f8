package supabase

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opGetAuthConfig    = "GetAuthConfig"
	opUpdateAuthConfig = "UpdateAuthConfig"
)

// AuthSettings are the settings of a project's Auth service that Fleet sets. In UpdateAuth a zero field stays as it is.
type AuthSettings struct {
	// SiteURL is the instance's own address, where links lead unless they say otherwise. It holds no comma.
	SiteURL string
	// RedirectURLs are further addresses that links may lead to, "*" and "**" being wildcards. An empty list that
	// isn't nil clears them.
	RedirectURLs []string
	// DisableSignup closes the instance to people who weren't invited.
	DisableSignup *bool
	// AnonymousUsers lets people in without an account; PhoneLogin and EmailLogin by a phone number or an address.
	AnonymousUsers, PhoneLogin, EmailLogin *bool
	// Autoconfirm takes an address for its owner's without asking there.
	Autoconfirm *bool
	// SecureEmailChange has both the old and the new address confirm a change.
	SecureEmailChange *bool
	// PasswordMinLength is at least 6.
	PasswordMinLength int
	// TokenExpiry is how long an access token is valid, in seconds, at most a week; RotateRefreshTokens has each refresh token
	// used once.
	TokenExpiry         int
	RotateRefreshTokens *bool
	// LinkExpiry is how long a link in a mail is valid, in seconds.
	LinkExpiry int
	// SMTP sends the instance's own mail. AuthConfig doesn't give its password.
	SMTP *SMTP
	// Rates are the Auth service's own limits.
	Rates Rates
}

// Rates limit what one project, or one address, may have the Auth service do.
type Rates struct {
	Emails         int // mails an hour, all together; the vendor takes it only with a mail server of one's own
	EmailFrequency int // seconds between two mails to one user
	OneTimeCodes   int // requests for codes and links in five minutes, from one address
	Verifications  int // attempts to use one in five minutes, from one address
	TokenRefreshes int // in five minutes, from one address
}

// SMTP is a mail server and the sender it sends for.
type SMTP struct {
	Host       string
	Port       int
	User       string
	Password   provider.Secret
	SenderName string
	SenderMail string
}

// authConfig are the fields of the vendor's 237 that Fleet uses; every one may be null.
type authConfig struct {
	SiteURL           *string `json:"site_url,omitempty"`
	URIAllowList      *string `json:"uri_allow_list,omitempty"`
	DisableSignup     *bool   `json:"disable_signup,omitempty"`
	AnonymousUsers    *bool   `json:"external_anonymous_users_enabled,omitempty"`
	PhoneLogin        *bool   `json:"external_phone_enabled,omitempty"`
	EmailLogin        *bool   `json:"external_email_enabled,omitempty"`
	Autoconfirm       *bool   `json:"mailer_autoconfirm,omitempty"`
	SecureEmailChange *bool   `json:"mailer_secure_email_change_enabled,omitempty"`
	PasswordMinLength *int    `json:"password_min_length,omitempty"`
	TokenExpiry       *int    `json:"jwt_exp,omitempty"`
	RotateRefresh     *bool   `json:"refresh_token_rotation_enabled,omitempty"`
	LinkExpiry        *int    `json:"mailer_otp_exp,omitempty"`
	SMTPHost          *string `json:"smtp_host,omitempty"`
	SMTPPort          *string `json:"smtp_port,omitempty"` // a string at the vendor
	SMTPUser          *string `json:"smtp_user,omitempty"`
	SMTPPass          *string `json:"smtp_pass,omitempty"`
	SMTPSenderName    *string `json:"smtp_sender_name,omitempty"`
	SMTPAdminEmail    *string `json:"smtp_admin_email,omitempty"`
	Emails            *int    `json:"rate_limit_email_sent,omitempty"`
	EmailFrequency    *int    `json:"smtp_max_frequency,omitempty"`
	OneTimeCodes      *int    `json:"rate_limit_otp,omitempty"`
	Verifications     *int    `json:"rate_limit_verify,omitempty"`
	TokenRefreshes    *int    `json:"rate_limit_token_refresh,omitempty"`
}

// UpdateAuth sets a project's Auth settings. Needs an open attempt; may be repeated. The service may take a moment to
// act on them.
func (c *Client) UpdateAuth(ctx context.Context, ref string, s AuthSettings) error {
	change, ok := s.wire()
	if !ok {
		return unsent(opUpdateAuthConfig, fault.Internal, "an address holds a comma, which separates addresses", nil)
	}
	answer := &authConfig{}
	err := c.onProject(ctx, ref, "/config/auth", request{
		operation: opUpdateAuthConfig, method: http.MethodPatch, in: change, out: answer,
	})
	if err != nil {
		return err
	}
	// The answer is the whole configuration: what was set must be in it.
	if !change.shownBy(*answer) {
		return unusable(opUpdateAuthConfig, http.StatusOK, "the answer doesn't show the change", nil)
	}
	return nil
}

// AuthConfig reads a project's Auth settings.
func (c *Client) AuthConfig(ctx context.Context, ref string) (AuthSettings, error) {
	answer := &authConfig{}
	err := c.onProject(ctx, ref, "/config/auth", request{operation: opGetAuthConfig, method: http.MethodGet, out: answer})
	if err != nil {
		return AuthSettings{}, err
	}
	if answer.SiteURL == nil && answer.DisableSignup == nil {
		return AuthSettings{}, unusable(opGetAuthConfig, http.StatusOK, "the answer is incomplete", nil)
	}
	return answer.settings(), nil
}

// wire translates settings for the vendor; false if an address can't be put into the vendor's comma list.
func (s AuthSettings) wire() (authConfig, bool) {
	w := authConfig{
		SiteURL: unlessZero(s.SiteURL), DisableSignup: s.DisableSignup, AnonymousUsers: s.AnonymousUsers, PhoneLogin: s.PhoneLogin,
		EmailLogin: s.EmailLogin, Autoconfirm: s.Autoconfirm, SecureEmailChange: s.SecureEmailChange,
		PasswordMinLength: unlessZero(s.PasswordMinLength), TokenExpiry: unlessZero(s.TokenExpiry), RotateRefresh: s.RotateRefreshTokens,
		LinkExpiry: unlessZero(s.LinkExpiry), Emails: unlessZero(s.Rates.Emails), EmailFrequency: unlessZero(s.Rates.EmailFrequency),
		OneTimeCodes: unlessZero(s.Rates.OneTimeCodes), Verifications: unlessZero(s.Rates.Verifications),
		TokenRefreshes: unlessZero(s.Rates.TokenRefreshes),
	}
	if s.RedirectURLs != nil {
		list := strings.Join(s.RedirectURLs, ",")
		w.URIAllowList = &list
		if strings.Count(list, ",") > max(len(s.RedirectURLs)-1, 0) {
			return w, false
		}
	}
	if m := s.SMTP; m != nil {
		port, password := strconv.Itoa(m.Port), m.Password.Reveal()
		w.SMTPHost, w.SMTPPort, w.SMTPUser, w.SMTPPass = &m.Host, &port, &m.User, &password
		w.SMTPSenderName, w.SMTPAdminEmail = &m.SenderName, &m.SenderMail
	}
	return w, !strings.Contains(s.SiteURL, ",")
}

// shownBy reports whether the answer shows all that was set. Of the mail server's password the vendor shows what it likes.
func (w authConfig) shownBy(got authConfig) bool {
	w.SMTPPass = nil
	set, shown := reflect.ValueOf(w), reflect.ValueOf(got)
	for i := range set.NumField() {
		wanted, there := set.Field(i), shown.Field(i)
		if !wanted.IsNil() && (there.IsNil() || !there.Elem().Equal(wanted.Elem())) {
			return false
		}
	}
	return true
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func (w *authConfig) settings() AuthSettings {
	s := AuthSettings{
		SiteURL: value(w.SiteURL), DisableSignup: w.DisableSignup, AnonymousUsers: w.AnonymousUsers, PhoneLogin: w.PhoneLogin,
		EmailLogin: w.EmailLogin, Autoconfirm: w.Autoconfirm, SecureEmailChange: w.SecureEmailChange,
		PasswordMinLength: value(w.PasswordMinLength), TokenExpiry: value(w.TokenExpiry), RotateRefreshTokens: w.RotateRefresh,
		LinkExpiry: value(w.LinkExpiry), Rates: Rates{Emails: value(w.Emails), EmailFrequency: value(w.EmailFrequency),
			OneTimeCodes: value(w.OneTimeCodes), Verifications: value(w.Verifications), TokenRefreshes: value(w.TokenRefreshes)},
	}
	for _, u := range strings.Split(value(w.URIAllowList), ",") {
		if u = strings.TrimSpace(u); u != "" {
			s.RedirectURLs = append(s.RedirectURLs, u)
		}
	}
	if value(w.SMTPHost) != "" {
		// A port that isn't a number reads as 0.
		port, _ := strconv.Atoi(value(w.SMTPPort))
		s.SMTP = &SMTP{
			Host: *w.SMTPHost, Port: port, User: value(w.SMTPUser),
			SenderName: value(w.SMTPSenderName), SenderMail: value(w.SMTPAdminEmail),
		}
	}
	return s
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
