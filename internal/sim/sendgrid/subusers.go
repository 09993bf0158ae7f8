package sendgrid

import (
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

type subuser struct {
	ID        int64     `json:"id"`
	Username  string    `json:"username"`
	Email     string    `json:"email"`
	Disabled  bool      `json:"disabled"`
	VisibleAt time.Time `json:"visible_at"`
}

// placeSubuser is a subuser's index; s.mu is held.
func (s *Sim) placeSubuser(name string) int {
	return slices.IndexFunc(s.state.Subusers, func(u subuser) bool { return strings.EqualFold(u.Username, name) })
}

func (s *Sim) listSubusers(w http.ResponseWriter, r *http.Request, a actor) {
	if a.name != "" { // a subuser has none of its own
		answer(w, http.StatusOK, []struct{}{})
		return
	}
	type item struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Email    string `json:"email"`
		Disabled bool   `json:"disabled"`
	}
	now, wanted := s.options.Clock.Now(), strings.ToLower(r.URL.Query().Get("username"))
	list := []item{}
	s.mu.Lock()
	for _, u := range s.state.Subusers {
		if !u.VisibleAt.After(now) && strings.Contains(strings.ToLower(u.Username), wanted) {
			list = append(list, item{u.ID, u.Username, u.Email, u.Disabled})
		}
	}
	s.mu.Unlock()
	if list, ok := page(w, r.URL.Query(), list); ok {
		answer(w, http.StatusOK, list)
	}
}

// newSubuser is the body of a creation.
type newSubuser struct {
	Username string   `json:"username"`
	Email    string   `json:"email"`
	Password string   `json:"password"`
	IPs      []string `json:"ips"`
	Region   string   `json:"region"`
	Include  bool     `json:"include_region"`
}

var username = regexp.MustCompile(`^[A-Za-z0-9_.@+-]{3,64}$`)

// wrong says which field of n is, by itself.
func (n newSubuser) wrong() (field, message string) {
	switch _, err := mail.ParseAddress(n.Email); {
	case !username.MatchString(n.Username):
		return "username", "username is invalid"
	case err != nil:
		return "email", "email is invalid"
	case len(n.Password) < 16:
		return "password", "password must be at least 16 characters"
	case len(n.IPs) == 0:
		return "ips", "ips are required"
	case n.Region != "" && n.Region != "global" && n.Region != "eu":
		return "region", "region is invalid"
	}
	return "", ""
}

func (s *Sim) createSubuser(w http.ResponseWriter, r *http.Request, a actor) {
	var n newSubuser
	if !decode(w, r, &n) {
		return
	}
	if a.name != "" {
		refuse(w, http.StatusForbidden, "", "User does not have permission to create subuser")
		return
	}
	if field, message := n.wrong(); field != "" {
		refuse(w, http.StatusBadRequest, field, message)
		return
	}
	visible := s.options.VisibleAt(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken(n.Username):
		refuse(w, http.StatusBadRequest, "username", "username exists")
		return
	case slices.ContainsFunc(n.IPs, func(ip string) bool { return !slices.Contains(s.config.IPs, ip) }):
		refuse(w, http.StatusBadRequest, "ips", "unable to validate IPs at this time")
		return
	case len(s.state.Subusers) >= s.config.Subusers:
		refuse(w, http.StatusBadRequest, "", "You have reached your subuser limit. To request more, please file a ticket.")
		return
	}
	made := subuser{
		ID: s.newID("subuser", n.Username), Username: n.Username, Email: n.Email, VisibleAt: visible,
	}
	s.state.Subusers = append(s.state.Subusers, made)
	body := map[string]any{
		"username": made.Username, "user_id": made.ID, "email": made.Email,
		"credit_allocation": map[string]string{"type": "unlimited"},
	}
	if n.Include {
		body["region"] = "global"
		if n.Region != "" {
			body["region"] = n.Region
		}
	}
	answer(w, http.StatusOK, body)
}

// newID is a number of eight digits that no subuser and no domain has; s.mu is held.
func (s *Sim) newID(kind, name string) int64 {
	for {
		id := 10_000_000 + s.next(kind, name).Int64N(90_000_000)
		if !slices.ContainsFunc(s.state.Subusers, func(u subuser) bool { return u.ID == id }) &&
			!slices.ContainsFunc(s.state.Domains, func(d domain) bool { return d.ID == id }) {
			return id
		}
	}
}

// taken reports whether a name is, by us, by others or by a subuser that was deleted; s.mu is held.
func (s *Sim) taken(name string) bool {
	return s.placeSubuser(name) >= 0 || slices.Contains(s.state.Deleted, strings.ToLower(name)) ||
		slices.ContainsFunc(s.config.Foreign, func(f string) bool { return strings.EqualFold(f, name) })
}

func (s *Sim) updateSubuser(w http.ResponseWriter, r *http.Request, a actor) {
	var change struct {
		Disabled *bool `json:"disabled"`
	}
	if !decode(w, r, &change) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.placeSubuser(r.PathValue("name"))
	if i < 0 || a.name != "" { // no 404 is documented for this call
		refuse(w, http.StatusBadRequest, "username", "username not found")
		return
	}
	if change.Disabled != nil {
		s.state.Subusers[i].Disabled = *change.Disabled
	}
	w.WriteHeader(http.StatusNoContent)
}

// deleteSubuser takes the subuser's keys and domains along.
func (s *Sim) deleteSubuser(w http.ResponseWriter, r *http.Request, a actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.placeSubuser(r.PathValue("name"))
	if i < 0 || a.name != "" {
		refuse(w, http.StatusNotFound, "", "not found")
		return
	}
	name := strings.ToLower(s.state.Subusers[i].Username)
	s.state.Subusers = slices.Delete(s.state.Subusers, i, i+1)
	s.state.Keys = slices.DeleteFunc(s.state.Keys, func(k key) bool { return k.Owner == name })
	s.state.Domains = slices.DeleteFunc(s.state.Domains, func(d domain) bool { return d.Owner == name })
	s.state.Deleted = append(s.state.Deleted, name)
	w.WriteHeader(http.StatusNoContent)
}
