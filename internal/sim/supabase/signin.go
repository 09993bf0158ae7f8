package supabase

import (
	"net/http"
	"strconv"
	"time"
)

// credentials are the fields of a sign-up, and of a sign-in by each of its ways.
type credentials struct {
	Email        string         `json:"email"`
	Phone        string         `json:"phone"`
	Password     string         `json:"password"`
	RefreshToken string         `json:"refresh_token"`
	Data         map[string]any `json:"data"`
}

// on reports whether a setting of a project's Auth is true. The mutex is held.
func (p *project) on(setting string) bool {
	settings, err := p.authSettings()
	on, _ := settings[setting].(bool)
	return err == nil && on
}

// closed refuses to let somebody in by a way that a project's settings have switched off; what is "logins" or "signups". The mutex is
// held.
func (p *project) closed(r *http.Request, in credentials, what string) (refusal answer, is bool) {
	status := map[string]int{"logins": http.StatusUnprocessableEntity, "signups": http.StatusBadRequest}[what]
	switch {
	case in.Email != "":
		return authFailed(r, status, "email_provider_disabled", "Email "+what+" are disabled"), !p.on("external_email_enabled")
	case in.Phone != "":
		return authFailed(r, status, "phone_provider_disabled", "Phone "+what+" are disabled"), !p.on("external_phone_enabled")
	}
	return authFailed(r, http.StatusUnprocessableEntity, "anonymous_provider_disabled", "Anonymous sign-ins are disabled"),
		!p.on("external_anonymous_users_enabled")
}

// signUp makes a user whom nobody invited. It knows addresses only.
func (s *Sim) signUp(r *http.Request) answer {
	var in credentials
	if err := decode(r, &in, false); err != nil {
		return authFailed(r, http.StatusBadRequest, "bad_json", "Could not parse request body as JSON")
	}
	if a, refused := s.signUpRefused(r, in); refused {
		return a
	}
	email, complaint := address(in.Email)
	if complaint != "" {
		return validationFailed(r, complaint)
	}
	return s.enter(r, email, func(p *project, now time.Time) (*user, answer, bool) {
		if p.userOf(email) != nil {
			return nil, authFailed(r, http.StatusUnprocessableEntity, "user_already_exists", "User already registered"), true
		}
		u := s.newUser(p, email, now)
		u.Password = digest(in.Password)
		if in.Data != nil {
			u.Metadata = in.Data
		}
		if !p.on("mailer_autoconfirm") {
			return u, ok(u.shown()), false
		}
		u.Confirmed = now
		return u, s.session(p, u), false
	})
}

func (s *Sim) signUpRefused(r *http.Request, in credentials) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	switch {
	case p == nil:
		return failed(originDNS, "The project's host name can't be resolved"), true
	case p.on("disable_signup"):
		return authFailed(r, http.StatusUnprocessableEntity, "signup_disabled", "Signups not allowed for this instance"), true
	}
	if a, is := p.closed(r, in, "signups"); is {
		return a, true
	}
	if in.Password == "" {
		return validationFailed(r, "Signup requires a valid password"), true
	}
	return answer{}, false
}

// issueToken signs a user in, by password or by the refresh token of an earlier sign-in. The settings that refuse sign-ins don't end
// sessions: refreshing goes on.
func (s *Sim) issueToken(r *http.Request) answer {
	var in credentials
	if err := decode(r, &in, false); err != nil {
		return authFailed(r, http.StatusBadRequest, "bad_json", "Could not parse request body as JSON")
	}
	s.follow(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return failed(originDNS, "The project's host name can't be resolved")
	}
	switch r.URL.Query().Get("grant_type") {
	case "password":
		return s.byPassword(r, p, in)
	case "refresh_token":
		id, there := p.Sessions[in.RefreshToken]
		u := p.userBy(id)
		if !there || u == nil {
			return authFailed(r, http.StatusBadRequest, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
		}
		delete(p.Sessions, in.RefreshToken)
		return s.session(p, u)
	}
	return authFailed(r, http.StatusBadRequest, "invalid_grant", "unsupported_grant_type")
}

// byPassword signs in by address and password. The mutex is held.
func (s *Sim) byPassword(r *http.Request, p *project, in credentials) answer {
	if in.Email == "" && in.Phone == "" {
		return validationFailed(r, "missing email or phone")
	}
	if a, is := p.closed(r, in, "logins"); is {
		return a
	}
	email, _ := address(in.Email)
	u := p.userOf(email)
	switch {
	case u == nil, u.Password == "", u.Password != digest(in.Password):
		return authFailed(r, http.StatusBadRequest, "invalid_credentials", "Invalid login credentials")
	case u.Confirmed.IsZero():
		return authFailed(r, http.StatusBadRequest, "email_not_confirmed", "Email not confirmed")
	}
	return s.session(p, u)
}

// session signs a user in. The mutex is held.
func (s *Sim) session(p *project, u *user) answer {
	p.Signed++
	random := s.random("session", p.Ref, u.ID, strconv.Itoa(p.Signed))
	refresh := letters(random, 12, alphanumeric)
	if p.Sessions == nil {
		p.Sessions = map[string]string{}
	}
	p.Sessions[refresh] = u.ID
	lasts := 3600.0
	if settings, err := p.authSettings(); err == nil {
		if set, isNumber := settings["jwt_exp"].(float64); isNumber {
			lasts = set
		}
	}
	now := s.options.Clock.Now()
	return ok(map[string]any{
		"access_token": token([]byte(p.Ref), p.Ref, u.Role, now), "token_type": "bearer", "expires_in": lasts,
		"expires_at": now.Unix() + int64(lasts), "refresh_token": refresh, "user": u.shown(),
	})
}
