package supabase

import (
	"context"
	"maps"
	"math"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// user is a user of a project's Auth service.
type user struct {
	ID          string         `json:"id"`
	Email       string         `json:"email"`
	Role        string         `json:"role"`
	Created     time.Time      `json:"created"`
	Confirmed   time.Time      `json:"confirmed"` // zero if not
	Invited     time.Time      `json:"invited"`
	AppMetadata map[string]any `json:"app_metadata"`
	Metadata    map[string]any `json:"user_metadata"`
	Password    string         `json:"password,omitempty"` // its digest
	entering    bool           // into the database
}

func (u *user) shown() map[string]any {
	out := map[string]any{
		"id": u.ID, "aud": "authenticated", "role": u.Role, "email": u.Email, "phone": "",
		"app_metadata": u.AppMetadata, "user_metadata": u.Metadata, "is_anonymous": false,
		"identities": []map[string]any{{
			"identity_id": u.ID, "id": u.ID, "user_id": u.ID, "provider": "email", "email": u.Email,
			"identity_data": map[string]any{"sub": u.ID, "email": u.Email, "email_verified": false},
			"created_at":    stamp(u.Created), "updated_at": stamp(u.Created), "last_sign_in_at": stamp(u.Created),
		}},
		"created_at": stamp(u.Created), "updated_at": stamp(u.Created),
	}
	if !u.Confirmed.IsZero() {
		out["email_confirmed_at"], out["confirmed_at"] = stamp(u.Confirmed), stamp(u.Confirmed)
	}
	if !u.Invited.IsZero() {
		out["confirmation_sent_at"], out["invited_at"] = stamp(u.Invited), stamp(u.Invited)
	}
	return out
}

// authFailed is an error of the Auth service in the form that the request's API version asks for.
func authFailed(r *http.Request, status int, code, text string) answer {
	a := answer{status: status, code: code}
	if r.Header.Get("X-Supabase-Api-Version") >= "2024-01-01" {
		a.body = map[string]any{"code": code, "message": text}
		return a
	}
	body := map[string]any{"code": status, "error_code": code, "msg": text}
	if status >= http.StatusInternalServerError {
		body["error_id"] = "00000000-0000-4000-a000-000000000000"
	}
	a.body = body
	return a
}

func validationFailed(r *http.Request, text string) answer {
	return authFailed(r, http.StatusBadRequest, "validation_failed", text)
}

// admin lets only the service key through. The gateway makes a bearer token of a service or secret key by itself.
func (s *Sim) admin(h func(*http.Request) answer) func(*http.Request) answer {
	return func(r *http.Request) answer {
		s.mu.Lock()
		p := s.find(r.PathValue("ref"))
		var k keys
		if p != nil {
			k = p.Keys
		}
		s.mu.Unlock()
		bearer, present := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if apiKey := r.Header.Get("Apikey"); !present && (apiKey == k.Service || apiKey == k.Secret) {
			bearer, present = k.Service, true
		}
		switch {
		case p == nil:
			return failed(originDNS, "The project's host name can't be resolved")
		case !present:
			return authFailed(r, http.StatusUnauthorized, "no_authorization", "This endpoint requires a valid Bearer token")
		case bearer == k.Anonymous:
			return authFailed(r, http.StatusForbidden, "not_admin", "User not allowed")
		case bearer != k.Service:
			return authFailed(r, http.StatusForbidden, "bad_jwt", "invalid JWT: unable to parse or verify signature")
		}
		s.follow(r)
		return h(r)
	}
}

// follow has Auth know whom SQL put into the project's auth.users, and forget whom it took away. Passwords don't come with them: here they
// are not kept there. A database that doesn't answer changes nothing.
func (s *Sim) follow(r *http.Request) {
	ref := r.PathValue("ref")
	there, known, err := s.settings.Databases.Users(r.Context(), ref)
	if err != nil || !known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return
	}
	p.Users = slices.DeleteFunc(p.Users, func(u *user) bool { return there[u.ID] == "" && !u.entering })
	for _, id := range slices.Sorted(maps.Keys(there)) {
		if p.userBy(id) == nil && there[id] != "" {
			u := s.newUser(p, there[id], s.options.Clock.Now())
			u.ID, u.Confirmed = id, u.Created
			p.Users = append(p.Users, u)
		}
	}
}

// userRequest are the fields of a creation.
type userRequest struct {
	ID           string         `json:"id"`
	Role         string         `json:"role"`
	Email        string         `json:"email"`
	Phone        string         `json:"phone"`
	Password     *string        `json:"password"`
	PasswordHash string         `json:"password_hash"`
	EmailConfirm bool           `json:"email_confirm"`
	UserMetadata map[string]any `json:"user_metadata"`
	AppMetadata  map[string]any `json:"app_metadata"`
	BanDuration  string         `json:"ban_duration"`
}

func (s *Sim) createUser(r *http.Request) answer {
	var in userRequest
	if err := decode(r, &in, false); err != nil {
		return authFailed(r, http.StatusBadRequest, "bad_json", "Could not parse request body as JSON")
	}
	email, complaint := in.check()
	if complaint != "" {
		return validationFailed(r, complaint)
	}
	return s.enter(r, email, func(p *project, now time.Time) (*user, answer, bool) {
		if p.userOf(email) != nil {
			return nil, authFailed(r, http.StatusUnprocessableEntity, "email_exists",
				"A user with this email address has already been registered"), true
		}
		u := s.newUser(p, email, now)
		if in.ID != "" {
			u.ID = strings.ToLower(in.ID)
		}
		if p.userBy(u.ID) != nil {
			// The service doesn't look for the id beforehand: the database refuses it.
			return nil, authFailed(r, http.StatusInternalServerError, "unexpected_failure", "Database error creating new user"), true
		}
		if in.EmailConfirm {
			u.Confirmed = now
		}
		if in.Password != nil {
			u.Password = digest(*in.Password)
		}
		if in.Role != "" {
			u.Role = in.Role
		}
		for name, v := range in.AppMetadata {
			u.AppMetadata[name] = v
		}
		if in.UserMetadata != nil {
			u.Metadata = in.UserMetadata
		}
		return u, ok(u.shown()), false
	})
}

// check gives the address in the service's spelling, or what is wrong.
func (in userRequest) check() (email, complaint string) {
	switch {
	case in.Email == "" && in.Phone == "":
		return "", "Cannot create a user without either an email or phone"
	case in.Email == "":
		return "", "this simulator has no phone numbers"
	case in.Password != nil && *in.Password != "" && in.PasswordHash != "":
		return "", "Only a password or a password hash should be provided"
	case in.ID != "" && !uuids.MatchString(strings.ToLower(in.ID)):
		return "", "ID must conform to the uuid v4 format"
	case in.ID == "00000000-0000-0000-0000-000000000000":
		return "", "ID cannot be a nil uuid"
	}
	if in.BanDuration != "" && in.BanDuration != "none" {
		if _, err := time.ParseDuration(in.BanDuration); err != nil {
			return "", "invalid format for ban duration"
		}
	}
	return address(in.Email)
}

func address(text string) (email, complaint string) {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return "", "Unable to validate email address: invalid format"
	}
	return strings.ToLower(text), ""
}

var uuids = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// newUser is a user with an id by seed, not yet in the project. The mutex is held.
func (s *Sim) newUser(p *project, email string, now time.Time) *user {
	return &user{
		ID: newUUID(s.random("user", p.Ref, email)), Email: email, Role: "authenticated", Created: now,
		AppMetadata: map[string]any{"provider": "email", "providers": []string{"email"}}, Metadata: map[string]any{},
	}
}

// enter lets make decide about a user under the mutex, and puts the one it makes into the project and, without the
// mutex, into the project's database. If that fails, there is no such user.
func (s *Sim) enter(r *http.Request, email string, make func(*project, time.Time) (*user, answer, bool)) answer {
	ref := r.PathValue("ref")
	s.mu.Lock()
	p := s.find(ref)
	if p == nil {
		s.mu.Unlock()
		return failed(originDNS, "The project's host name can't be resolved")
	}
	u, a, refused := make(p, s.options.Clock.Now())
	if !refused {
		u.entering = true
		p.Users = append(p.Users, u)
	}
	s.mu.Unlock()
	if refused {
		return a
	}
	err := s.settings.Databases.AddUser(context.WithoutCancel(r.Context()), ref, u.ID, email)
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.entering = false; err != nil {
		p.Users = slices.DeleteFunc(p.Users, func(other *user) bool { return other == u })
		return authFailed(r, http.StatusInternalServerError, "unexpected_failure", "Database error creating new user")
	}
	return a
}

func (p *project) userOf(email string) *user {
	return first(p.Users, func(u *user) bool { return u.Email == email })
}

func (p *project) userBy(id string) *user {
	return first(p.Users, func(u *user) bool { return u.ID == id })
}

func first[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

func (s *Sim) getUser(r *http.Request) answer {
	id := strings.ToLower(r.PathValue("id"))
	if !uuids.MatchString(id) {
		return authFailed(r, http.StatusNotFound, "validation_failed", "user_id must be an UUID")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return failed(originDNS, "The project's host name can't be resolved")
	}
	u := p.userBy(id)
	if u == nil {
		return authFailed(r, http.StatusNotFound, "user_not_found", "User not found")
	}
	return ok(u.shown())
}

// listUsers pages through the users, newest first; filter is looked for in the middle of addresses.
func (s *Sim) listUsers(r *http.Request) answer {
	q := r.URL.Query()
	page, size, valid := paging(q)
	if !valid {
		return validationFailed(r, "Bad Pagination Parameters")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return failed(originDNS, "The project's host name can't be resolved")
	}
	matching := []map[string]any{}
	for _, u := range slices.Backward(p.Users) {
		if strings.Contains(u.Email, strings.ToLower(q.Get("filter"))) {
			matching = append(matching, u.shown())
		}
	}
	total := len(matching)
	from := min((page-1)*size, total)
	a := ok(map[string]any{"users": matching[from:min(from+size, total)], "aud": "authenticated"})
	a.header = http.Header{"X-Total-Count": {strconv.Itoa(total)}}
	return a
}

func paging(q url.Values) (page, size int, valid bool) {
	page, size = 1, 50
	for name, into := range map[string]*int{"page": &page, "per_page": &size} {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > math.MaxInt16 {
				return 0, 0, false
			}
			*into = n
		}
	}
	return page, size, true
}
