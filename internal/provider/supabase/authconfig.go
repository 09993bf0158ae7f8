package supabase

import (
	"context"
	"net/http"
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
	// PasswordMinLength is at least 6.
	PasswordMinLength int
	// SMTP sends the instance's own mail. AuthConfig doesn't give its password.
	SMTP *SMTP
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
	PasswordMinLength *int    `json:"password_min_length,omitempty"`
	SMTPHost          *string `json:"smtp_host,omitempty"`
	SMTPPort          *string `json:"smtp_port,omitempty"` // a string at the vendor
	SMTPUser          *string `json:"smtp_user,omitempty"`
	SMTPPass          *string `json:"smtp_pass,omitempty"`
	SMTPSenderName    *string `json:"smtp_sender_name,omitempty"`
	SMTPAdminEmail    *string `json:"smtp_admin_email,omitempty"`
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
	if !kept(change.SiteURL, answer.SiteURL) || !kept(change.URIAllowList, answer.URIAllowList) {
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
	w := authConfig{DisableSignup: s.DisableSignup}
	if s.SiteURL != "" {
		w.SiteURL = &s.SiteURL
	}
	if s.RedirectURLs != nil {
		list := strings.Join(s.RedirectURLs, ",")
		w.URIAllowList = &list
		if strings.Count(list, ",") > max(len(s.RedirectURLs)-1, 0) {
			return w, false
		}
	}
	if s.PasswordMinLength != 0 {
		w.PasswordMinLength = &s.PasswordMinLength
	}
	if m := s.SMTP; m != nil {
		port, password := strconv.Itoa(m.Port), m.Password.Reveal()
		w.SMTPHost, w.SMTPPort, w.SMTPUser, w.SMTPPass = &m.Host, &port, &m.User, &password
		w.SMTPSenderName, w.SMTPAdminEmail = &m.SenderName, &m.SenderMail
	}
	return w, !strings.Contains(s.SiteURL, ",")
}

func (w *authConfig) settings() AuthSettings {
	s := AuthSettings{SiteURL: value(w.SiteURL), DisableSignup: w.DisableSignup, PasswordMinLength: value(w.PasswordMinLength)}
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

// kept reports whether got shows what was set, if anything was.
func kept(set, got *string) bool { return set == nil || got != nil && *got == *set }
