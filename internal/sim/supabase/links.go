package supabase

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// linkRequest are the fields of a link's creation.
type linkRequest struct {
	Type       string `json:"type"`
	Email      string `json:"email"`
	RedirectTo string `json:"redirect_to"`
}

// generateLink makes a link and sends no mail. An invitation creates the user if there is none.
func (s *Sim) generateLink(r *http.Request) answer {
	var in linkRequest
	if err := decode(r, &in, false); err != nil {
		return authFailed(r, http.StatusBadRequest, "bad_json", "Could not parse request body as JSON")
	}
	email, complaint := address(in.Email)
	if complaint != "" {
		return validationFailed(r, complaint)
	}
	if in.Type != "invite" && in.Type != "recovery" && in.Type != "magiclink" {
		return validationFailed(r, "Invalid email action link type requested: "+in.Type)
	}
	if a, done := s.linkExisting(r, in, email); done {
		return a
	}
	return s.enter(r, email, func(p *project, now time.Time) (*user, answer, bool) {
		u := p.userOf(email)
		if u != nil {
			// Somebody else made it in the meantime.
			return nil, s.link(r, in, p, u, now), true
		}
		u = s.newUser(p, email, now)
		u.Invited = now
		return u, s.link(r, in, p, u, now), false
	})
}

// linkExisting answers unless a user has to be made first.
func (s *Sim) linkExisting(r *http.Request, in linkRequest, email string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return failed(originDNS, "The project's host name can't be resolved"), true
	}
	u, now := p.userOf(email), s.options.Clock.Now()
	switch {
	case u == nil && in.Type == "invite":
		return answer{}, false
	case u == nil:
		return authFailed(r, http.StatusNotFound, "user_not_found", "User with this email not found"), true
	case in.Type == "invite" && !u.Confirmed.IsZero():
		return authFailed(r, http.StatusUnprocessableEntity, "email_exists",
			"A user with this email address has already been registered"), true
	case in.Type == "invite":
		u.Invited = now
	}
	return s.link(r, in, p, u, now), true
}

// link makes the link. A redirection that isn't allowed is silently replaced by the site's URL.
func (s *Sim) link(r *http.Request, in linkRequest, p *project, u *user, now time.Time) answer {
	settings, err := p.authSettings()
	if err != nil {
		return authFailed(r, http.StatusInternalServerError, "unexpected_failure", "Unexpected failure")
	}
	site, _ := settings["site_url"].(string)
	allowed, _ := settings["uri_allow_list"].(string)
	redirect := site
	if mayRedirect(in.RedirectTo, site, allowed) {
		redirect = in.RedirectTo
	}
	p.Links++
	random := s.random("link", p.Ref, u.Email, strconv.Itoa(p.Links))
	hashed := letters(random, 56, hexadecimal)
	query := url.Values{"token": {hashed}, "type": {in.Type}, "redirect_to": {redirect}}
	body := u.shown()
	body["action_link"] = origin(r) + "/auth/v1/verify?" + query.Encode()
	body["email_otp"] = letters(random, 6, digits)
	body["hashed_token"] = hashed
	body["verification_type"] = in.Type
	body["redirect_to"] = redirect
	if in.Type != "invite" {
		body["recovery_sent_at"] = stamp(now)
	}
	return ok(body)
}

// mayRedirect reports whether a link may lead to an address: to the site's own host, and to what the list allows.
func mayRedirect(to, site, allowed string) bool {
	target, err := url.Parse(to)
	if err != nil || to == "" {
		return false
	}
	if own, err := url.Parse(site); err == nil && own.Hostname() == target.Hostname() {
		return true
	}
	for _, pattern := range strings.Split(allowed, ",") {
		if pattern = strings.TrimSpace(pattern); pattern != "" && glob(pattern).MatchString(to) {
			return true
		}
	}
	return false
}

// glob is a pattern of the list of redirections: "*" stops at "." and "/", "**" doesn't, "?" is one character.
func glob(pattern string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	text = strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^./]*`, `\?`, `[^./]`).Replace(text)
	return regexp.MustCompile("^" + text + "$")
}
