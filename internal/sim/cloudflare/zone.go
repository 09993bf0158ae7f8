package cloudflare

import (
	"net/http"
	"strings"
	"time"
)

// verify tells a token of its own state. One that is disabled or has expired is told so.
func (s *Sim) verify(w http.ResponseWriter, r *http.Request) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !bearer || token == "":
		refuse(w, http.StatusBadRequest, 6003, "Invalid request headers")
	case token != s.token():
		refuse(w, http.StatusUnauthorized, 1000, "Invalid API Token")
	default:
		document := map[string]any{"id": "ed17574386854bf78a67040be0a770b0", "status": s.config.TokenStatus}
		if !s.config.Expires.IsZero() {
			document["expires_on"] = s.config.Expires.UTC().Format(time.RFC3339)
		}
		succeed(w, document)
	}
}

// zone answers the zone, with what the token may do in it.
func (s *Sim) zone(w http.ResponseWriter, _ *http.Request) {
	const made = "2026-01-02T03:04:05Z"
	succeed(w, map[string]any{
		"id": s.config.Zone, "name": s.config.Domain, "status": s.config.ZoneStatus, "type": "full", "paused": false,
		"development_mode": 0, "name_servers": []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"},
		"original_name_servers": nil, "original_registrar": nil, "original_dnshost": nil,
		"created_on": made, "modified_on": made, "activated_on": made,
		"owner":       map[string]any{"id": "", "type": "user"},
		"account":     map[string]any{"id": "9a7806061c88ada191ed06f989cc3dac", "name": "Gimbal"},
		"meta":        map[string]any{"step": 2, "page_rule_quota": 3, "custom_certificate_quota": 0, "phishing_detected": false},
		"permissions": []string{"#dns_records:edit", "#dns_records:read", "#waf:edit", "#waf:read", "#zone:read"},
	})
}
