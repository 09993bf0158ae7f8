// Package sendgrid simulates the part of SendGrid's API that holds subusers, API keys, authenticated domains and Event
// Webhooks, and that takes mail.
//
// What it does is what SendGrid documents: keys, domains and webhooks belong to the subuser in the "on-behalf-of" header, and to
// the parent account without it; a key's value is shown once; names of keys and domains may repeat, names of subusers
// are unique over all of SendGrid; lists may lag. Where the documents are silent it takes the harder way: the filter
// by username isn't exact, the name of a deleted subuser stays taken, and its webhooks stay, out of everybody's reach.
package sendgrid

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// Config is the simulated account.
type Config struct {
	Key string // the parent's API key
	// Scopes are that key's; nil means full access.
	Scopes []string
	// IPs are the IPv4 addresses on the account.
	IPs []string
	// Foreign are user names that others have at SendGrid.
	Foreign []string
	// Subusers is how many the plan allows; 0 means 15.
	Subusers int
	// Calls is how many calls of one operation are answered in a minute; 0 means 600.
	Calls int
	// Senders are the parent's verified sender addresses. Whoever sends from another one needs a valid domain for it.
	Senders []string
	// DNS resolves the records that domains are validated by.
	DNS Resolver
}

// Resolver is the public DNS. Of a proxied record the public sees no CNAME.
type Resolver interface {
	LookupCNAME(host string) (target string, proxied, ok bool)
}

// Sim is a simulated SendGrid. It is safe for concurrent use.
type Sim struct {
	options sim.Options
	config  Config
	router  sim.Router

	mu    sync.Mutex
	state state
}

// state is all that SendGrid keeps.
type state struct {
	Subusers []subuser `json:"subusers"`
	Deleted  []string  `json:"deleted"` // names of deleted subusers, in lower case
	Keys     []key     `json:"keys"`
	Domains  []domain  `json:"domains"`
	Webhooks []webhook `json:"webhooks"`
	Mails    []Mail    `json:"mails"`
	// Made counts creations by kind and name, Calls the calls by operation: with the seed they decide ids, secrets and
	// latencies, whatever the order in which branches arrive.
	Made    map[string]int    `json:"made"`
	Calls   map[string]int    `json:"calls"`
	Windows map[string]window `json:"windows"`
}

func empty() state {
	return state{Made: map[string]int{}, Calls: map[string]int{}, Windows: map[string]window{}}
}

// New makes an account without subusers.
func New(o sim.Options, c Config) *Sim {
	c.Subusers = cmp.Or(c.Subusers, 15)
	c.Calls = cmp.Or(c.Calls, 600)
	s := &Sim{options: o, config: c, state: empty()}
	s.handle("GET /v3/subusers", "ListSubusers", "subusers.read", s.listSubusers)
	s.handle("POST /v3/subusers", "CreateSubuser", "subusers.create", s.createSubuser)
	s.handle("PATCH /v3/subusers/{name}", "UpdateSubuser", "subusers.update", s.updateSubuser)
	s.handle("DELETE /v3/subusers/{name}", "DeleteSubuser", "subusers.delete", s.deleteSubuser)
	s.handle("GET /v3/subusers/stats", "ListStats", "subusers.stats.read", s.listStats)
	s.handle("GET /v3/api_keys", "ListKeys", "api_keys.read", s.listKeys)
	s.handle("POST /v3/api_keys", "CreateKey", "api_keys.create", s.createKey)
	s.handle("DELETE /v3/api_keys/{id}", "DeleteKey", "api_keys.delete", s.deleteKey)
	s.handle("GET /v3/whitelabel/domains", "ListDomains", "whitelabel.read", s.listDomains)
	s.handle("POST /v3/whitelabel/domains", "AuthenticateDomain", "whitelabel.create", s.authenticateDomain)
	s.handle("POST /v3/whitelabel/domains/{id}/validate", "ValidateDomain", "whitelabel.update", s.validateDomain)
	s.handle("DELETE /v3/whitelabel/domains/{id}", "DeleteDomain", "whitelabel.delete", s.deleteDomain)
	s.handle("GET /v3/user/webhooks/event/settings/all", "ListWebhooks", webhookScope+"read", s.listWebhooks)
	s.handle("POST /v3/user/webhooks/event/settings", "CreateWebhook", webhookScope+"create", s.createWebhook)
	s.handle("PATCH /v3/user/webhooks/event/settings/{id}", "UpdateWebhook", webhookScope+"update", s.updateWebhook)
	s.handle("PATCH /v3/user/webhooks/event/settings/signed/{id}", "SignWebhook", webhookScope+"update", s.signWebhook)
	s.handle("DELETE /v3/user/webhooks/event/settings/{id}", "DeleteWebhook", webhookScope+"delete", s.deleteWebhook)
	s.handle("POST /v3/mail/send", "SendMail", "mail.send", s.send)
	s.handle("GET /v3/scopes", "ListScopes", "", s.listScopes)
	s.handle("GET /v3/ips", "ListIPs", "ips.read", s.listIPs)
	return s
}

// handle routes an operation that needs a scope; every key may use one that needs none.
func (s *Sim) handle(pattern, operation, scope string, do func(w http.ResponseWriter, r *http.Request, a actor)) {
	s.router.Handle(pattern, operation, func(w http.ResponseWriter, r *http.Request) {
		if a, ok := s.authenticate(w, r, operation, scope); ok {
			do(w, r, a)
		}
	})
}

// Name is "sendgrid".
func (s *Sim) Name() string { return "sendgrid" }

// Operation names what a request calls: ListSubusers, CreateSubuser, UpdateSubuser, DeleteSubuser, ListStats, ListKeys, CreateKey,
// DeleteKey, ListDomains, AuthenticateDomain, ValidateDomain, DeleteDomain, ListWebhooks, CreateWebhook, UpdateWebhook,
// SignWebhook, DeleteWebhook, SendMail, ListScopes or ListIPs.
func (s *Sim) Operation(r *http.Request) string { return s.router.Operation(r) }

// Operations names every call that there is, unsorted; a name may come twice.
func (s *Sim) Operations() []string { return s.router.Operations() }

// ServeHTTP answers after the time a call takes, and takes effect no earlier than that.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := s.Operation(r)
	// A request that was sent takes effect though its sender is gone.
	if s.options.Clock.Sleep(context.WithoutCancel(r.Context()), s.latency(operation)) != nil {
		return
	}
	if !s.admit(w, operation) {
		return
	}
	if operation == "" {
		refuse(w, http.StatusNotFound, "", "not found")
		return
	}
	s.router.ServeHTTP(w, r)
}

// latency is between half of Options.Answer and all of it.
func (s *Sim) latency(operation string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Calls[operation]++
	return sim.Latency(s.options.Answer, s.random("latency", operation, s.state.Calls[operation]))
}

// random gives the numbers for the nth thing of a kind and name.
func (s *Sim) random(kind, name string, n int) *rand.Rand {
	return sim.Random(s.options.Seed, "sendgrid", kind, name, n)
}

// next gives the numbers for one more thing of a kind and name; s.mu is held.
func (s *Sim) next(kind, name string) *rand.Rand {
	s.state.Made[kind+" "+name]++
	return s.random(kind, name, s.state.Made[kind+" "+name])
}

// Inventory lists subusers ("sendgrid_subuser"), keys ("sendgrid_key", marked by their subuser), domains
// ("sendgrid_domain", likewise) and webhooks ("sendgrid_webhook", likewise). The parent's own key is none of them, nor are mails.
func (s *Sim) Inventory() []sim.Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []sim.Held
	for _, u := range s.state.Subusers {
		status := "enabled"
		if u.Disabled {
			status = "disabled"
		}
		held = append(held, sim.Held{Kind: "sendgrid_subuser", Name: u.Username, ID: fmt.Sprint(u.ID), Status: status})
	}
	for _, k := range s.state.Keys {
		held = append(held, sim.Held{Kind: "sendgrid_key", Name: k.Name, ID: k.ID, Mark: k.Owner})
	}
	for _, d := range s.state.Domains {
		status := "invalid"
		if d.Valid {
			status = "valid"
		}
		held = append(held, sim.Held{Kind: "sendgrid_domain", Name: d.Domain, ID: fmt.Sprint(d.ID), Mark: d.Owner, Status: status})
	}
	for _, h := range s.state.Webhooks {
		held = append(held, sim.Held{Kind: "sendgrid_webhook", Name: h.Name, ID: h.ID, Mark: h.Owner, Status: h.status()})
	}
	return sim.Sorted(held)
}

// Save gives the account as JSON, with the values of its keys.
func (s *Sim) Save() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Load replaces the account with one that was saved.
func (s *Sim) Load(saved []byte) error {
	loaded := empty()
	if err := json.Unmarshal(saved, &loaded); err != nil {
		return fmt.Errorf("the state of the simulated SendGrid: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = loaded
	return nil
}

// actor is on whose behalf a request acts.
type actor struct {
	name string // a subuser's, in lower case; empty for the parent
	id   int64
}

// parentID is the parent's user id.
const parentID = 1_000_001

// authenticate finds who a request acts as. The parent may act as a subuser by the header "on-behalf-of", except to
// send mail, for which that is not declared.
func (s *Sim) authenticate(w http.ResponseWriter, r *http.Request, operation, scope string) (actor, bool) {
	value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	behalf := strings.ToLower(r.Header.Get("on-behalf-of"))
	s.mu.Lock()
	defer s.mu.Unlock()
	a, scopes, ok := s.holder(value)
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "", "authorization required")
		return a, false
	case scopes != nil && scope != "" && !slices.Contains(scopes, scope):
		refuse(w, http.StatusForbidden, "", "access forbidden")
		return a, false
	}
	if behalf != "" {
		if a.name != "" || operation == "SendMail" {
			refuse(w, http.StatusForbidden, "", "access forbidden")
			return a, false
		}
		i := s.placeSubuser(behalf)
		if i < 0 {
			refuse(w, http.StatusUnauthorized, "", "authorization required")
			return a, false
		}
		a = actor{behalf, s.state.Subusers[i].ID}
	}
	if i := s.placeSubuser(a.name); i >= 0 && s.state.Subusers[i].Disabled {
		refuse(w, http.StatusForbidden, "", "access forbidden")
		return a, false
	}
	return a, true
}

// holder is whose key has that value, with its scopes, nil for all; s.mu is held.
func (s *Sim) holder(value string) (actor, []string, bool) {
	if value == "" {
		return actor{}, nil, false
	}
	if value == s.config.Key {
		return actor{id: parentID}, s.config.Scopes, true
	}
	i := slices.IndexFunc(s.state.Keys, func(k key) bool { return k.Value == value })
	if i < 0 {
		return actor{}, nil, false
	}
	k := s.state.Keys[i]
	a := actor{name: strings.ToLower(k.Owner), id: parentID}
	if j := s.placeSubuser(a.name); j >= 0 {
		a.id = s.state.Subusers[j].ID
	}
	return a, k.Scopes, true
}
