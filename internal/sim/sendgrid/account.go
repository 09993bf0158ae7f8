package sendgrid

import (
	"net/http"
	"strings"
)

// everyScope is what a key with full access may do, as far as this simulator knows scopes.
var everyScope = []string{
	"api_keys.create", "api_keys.delete", "api_keys.read", "api_keys.update", "ips.read", "mail.send", "stats.read",
	"subusers.create", "subusers.delete", "subusers.read", "subusers.stats.read", "subusers.update",
	webhookScope + "create", webhookScope + "delete", webhookScope + "read", webhookScope + "update",
	"whitelabel.create", "whitelabel.delete", "whitelabel.read", "whitelabel.update",
}

// listScopes answers what the key of the request may do.
func (s *Sim) listScopes(w http.ResponseWriter, r *http.Request, _ actor) {
	value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	_, scopes, _ := s.holder(value) // authenticate has found it
	s.mu.Unlock()
	if scopes == nil {
		scopes = everyScope
	}
	answer(w, http.StatusOK, map[string][]string{"scopes": scopes})
}

// listIPs answers the parent's addresses. A page has 10 of them unless more are asked for.
func (s *Sim) listIPs(w http.ResponseWriter, r *http.Request, _ actor) {
	type item struct {
		IP           string   `json:"ip"`
		Subusers     []string `json:"subusers"`
		RDNS         string   `json:"rdns"`
		Pools        []string `json:"pools"`
		Warmup       bool     `json:"warmup"`
		StartDate    int64    `json:"start_date"`
		Whitelabeled bool     `json:"whitelabeled"`
		AssignedAt   int64    `json:"assigned_at"`
	}
	const assigned = 1_700_000_000
	list := []item{}
	for _, ip := range s.config.IPs {
		list = append(list, item{IP: ip, Subusers: []string{}, RDNS: "o1.mail.gimbal.app", Pools: []string{}, StartDate: assigned, AssignedAt: assigned})
	}
	query := r.URL.Query()
	if !query.Has("limit") {
		query.Set("limit", "10")
	}
	if list, ok := page(w, query, list); ok {
		answer(w, http.StatusOK, list)
	}
}
