package sendgrid

import (
	"crypto/ecdh"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// webhookScope begins the scopes of webhooks.
const webhookScope = "user.webhooks.event.settings."

// mostWebhooks is how many webhooks the plan allows an account.
const mostWebhooks = 5

type webhook struct {
	ID      string `json:"id"`
	Owner   string `json:"owner"` // a subuser's name in lower case; empty for the parent
	Name    string `json:"name"`
	URL     string `json:"url"`
	Enabled bool   `json:"enabled"`
	// Events says which are posted, by their names in settings.
	Events    map[string]bool `json:"events"`
	PublicKey string          `json:"public_key"`
	Signed    bool            `json:"signed"`
	Created   time.Time       `json:"created"`
	Updated   time.Time       `json:"updated"`
	VisibleAt time.Time       `json:"visible_at"`
}

func (h webhook) status() string {
	switch {
	case !h.Enabled:
		return "disabled"
	case h.Signed:
		return "signed"
	}
	return "unsigned"
}

// show is a webhook as SendGrid shows it; with its key in lists alone, and there only while it signs.
func (h webhook) show(listed bool) map[string]any {
	body := map[string]any{
		"id": h.ID, "friendly_name": h.Name, "url": h.URL, "enabled": h.Enabled,
		"created_date": h.Created.UTC().Format(time.RFC3339), "updated_date": h.Updated.UTC().Format(time.RFC3339),
	}
	for _, e := range events {
		body[e] = h.Events[e]
	}
	if listed && h.Signed {
		body["public_key"] = h.PublicKey
	}
	return body
}

var events = []string{"bounce", "click", "deferred", "delivered", "dropped", "group_resubscribe", "group_unsubscribe", "open",
	"processed", "spam_report", "unsubscribe"}

func (s *Sim) listWebhooks(w http.ResponseWriter, _ *http.Request, a actor) {
	now := s.options.Clock.Now()
	list := []map[string]any{}
	s.mu.Lock()
	for _, h := range s.state.Webhooks {
		if h.Owner == a.name && !h.VisibleAt.After(now) {
			list = append(list, h.show(true))
		}
	}
	s.mu.Unlock()
	if len(list) == 0 { // so the documented example of no webhooks
		list = append(list, map[string]any{})
	}
	answer(w, http.StatusOK, map[string]any{"max_allowed": mostWebhooks, "webhooks": list})
}

// webhookSettings is the body of a creation and of a change.
type webhookSettings struct {
	Name             *string `json:"friendly_name"`
	URL              string  `json:"url"`
	Enabled          *bool   `json:"enabled"`
	Bounce           *bool   `json:"bounce"`
	Click            *bool   `json:"click"`
	Deferred         *bool   `json:"deferred"`
	Delivered        *bool   `json:"delivered"`
	Dropped          *bool   `json:"dropped"`
	GroupResubscribe *bool   `json:"group_resubscribe"`
	GroupUnsubscribe *bool   `json:"group_unsubscribe"`
	Open             *bool   `json:"open"`
	Processed        *bool   `json:"processed"`
	SpamReport       *bool   `json:"spam_report"`
	Unsubscribe      *bool   `json:"unsubscribe"`
}

// over gives h with the settings written over it.
func (n webhookSettings) over(h webhook) webhook {
	h.URL = n.URL
	if n.Name != nil {
		h.Name = *n.Name
	}
	if n.Enabled != nil {
		h.Enabled = *n.Enabled
	}
	was := h.Events
	h.Events = map[string]bool{}
	for i, set := range []*bool{n.Bounce, n.Click, n.Deferred, n.Delivered, n.Dropped, n.GroupResubscribe, n.GroupUnsubscribe, n.Open,
		n.Processed, n.SpamReport, n.Unsubscribe} {
		h.Events[events[i]] = was[events[i]]
		if set != nil {
			h.Events[events[i]] = *set
		}
	}
	return h
}

// settable reports whether a webhook of the owner's, other than the one of that id, may post to at, or refuses; s.mu is held.
func (s *Sim) settable(w http.ResponseWriter, owner, id, at string) bool {
	if u, err := url.Parse(at); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		refuse(w, http.StatusBadRequest, "", fmt.Sprintf("'%s' is not a valid url", at))
		return false
	}
	for _, h := range s.state.Webhooks {
		if h.Owner == owner && h.ID != id && h.URL == at {
			message := fmt.Sprintf("Webhook at '%s' already exists. Please provide a unique URL.", at)
			answer(w, http.StatusBadRequest, map[string]any{"errors": []map[string]string{{"id": h.ID, "message": message, "url": at}}})
			return false
		}
	}
	return true
}

func (s *Sim) createWebhook(w http.ResponseWriter, r *http.Request, a actor) {
	var n webhookSettings
	if !decode(w, r, &n) {
		return
	}
	visible, now := s.options.VisibleAt(r), s.options.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settable(w, a.name, "", n.URL) {
		return
	}
	held := 0
	for _, h := range s.state.Webhooks {
		if h.Owner == a.name {
			held++
		}
	}
	if held >= mostWebhooks {
		refuse(w, http.StatusBadRequest, "", "You have reached the maximum number of webhooks per your current billing plan.")
		return
	}
	random := s.next("webhook", a.name+" "+n.URL)
	made := n.over(webhook{ID: uuid(random), Owner: a.name, PublicKey: verifyingKey(random), Created: now, Updated: now, VisibleAt: visible})
	s.state.Webhooks = append(s.state.Webhooks, made)
	answer(w, http.StatusCreated, made.show(false))
}

// ofPath is the index of the caller's webhook that a path names, or refuses; s.mu is held.
func (s *Sim) ofPath(w http.ResponseWriter, r *http.Request, a actor) (int, bool) {
	i := slices.IndexFunc(s.state.Webhooks, func(h webhook) bool { return h.Owner == a.name && h.ID == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "", "Invalid id provided.")
	}
	return i, i >= 0
}

func (s *Sim) updateWebhook(w http.ResponseWriter, r *http.Request, a actor) {
	var n webhookSettings
	if !decode(w, r, &n) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.ofPath(w, r, a)
	if !ok || !s.settable(w, a.name, s.state.Webhooks[i].ID, n.URL) {
		return
	}
	h := n.over(s.state.Webhooks[i])
	h.Updated = s.options.Clock.Now()
	s.state.Webhooks[i] = h
	answer(w, http.StatusOK, h.show(false))
}

func (s *Sim) signWebhook(w http.ResponseWriter, r *http.Request, a actor) {
	var n struct {
		Enabled *bool `json:"enabled"`
	}
	if !decode(w, r, &n) {
		return
	}
	if n.Enabled == nil {
		refuse(w, http.StatusBadRequest, "enabled", "missing required argument")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.ofPath(w, r, a)
	if !ok {
		return
	}
	h := &s.state.Webhooks[i]
	h.Signed, h.Updated = *n.Enabled, s.options.Clock.Now()
	body := map[string]string{"id": h.ID, "public_key": ""}
	if h.Signed {
		body["public_key"] = h.PublicKey
	}
	answer(w, http.StatusOK, body)
}

func (s *Sim) deleteWebhook(w http.ResponseWriter, r *http.Request, a actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.ofPath(w, r, a); ok {
		s.state.Webhooks = slices.Delete(s.state.Webhooks, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

// Webhook tells of the webhook of that id what it posts, by the names of events, sorted, and where, and the key that verifies
// it. Nothing is posted where it is not enabled, and the key is empty where nothing is signed.
func (s *Sim) Webhook(id string) (posts []string, at, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.state.Webhooks {
		if h.ID != id || !h.Enabled {
			continue
		}
		for _, e := range events {
			if h.Events[e] {
				posts = append(posts, e)
			}
		}
		if h.Signed {
			key = h.PublicKey
		}
		return posts, h.URL, key
	}
	return nil, "", ""
}

func uuid(random *rand.Rand) string {
	a, b := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// verifyingKey is the public half of a key on the curve P-256, as SendGrid writes it.
func verifyingKey(random *rand.Rand) string {
	for {
		var secret [32]byte
		for i := range secret {
			secret[i] = byte(random.UintN(256))
		}
		private, err := ecdh.P256().NewPrivateKey(secret[:])
		if err != nil { // beyond the curve's order
			continue
		}
		if der, err := x509.MarshalPKIXPublicKey(private.PublicKey()); err == nil {
			return base64.StdEncoding.EncodeToString(der)
		}
	}
}
