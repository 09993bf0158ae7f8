package onaws

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// FuzzSettings: whatever a variable is set to, a function starts with settings within their bounds, or says which variable is wrong
// without repeating what is in it: people mistake a reference for the place of the secret itself.
func FuzzSettings(f *testing.F) {
	with := complete()
	maps.Copy(with, map[string]string{"FLEET_LIMITS": `{"supabase":240,"cloudflare":2400}`, "FLEET_ENDPOINTS": ""})
	variables := slices.Sorted(maps.Keys(with))
	for i, variable := range variables {
		f.Add(uint8(i), with[variable])
		f.Add(uint8(i), []string{"", "null", "{}", `{"supabase":1e9}`, `{"supabase-projects":-1}`, "aws-sm:", "sbp_the-secret-itself", "\x00", "1001", "https://", "192.0.2.1,::1", "s3:///x"}[i%12])
	}
	f.Add(uint8(slices.Index(variables, "FLEET_LIMITS")), `{"supabase":120000,"cloudflare":1200001}`)
	f.Add(uint8(slices.Index(variables, "FLEET_LIMITS")), `{"supabase":9223372036854775807}`)
	f.Add(uint8(slices.Index(variables, "FLEET_CREDENTIALS")), `{"webhook-secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`)
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		variable := variables[int(which)%len(variables)]
		set := complete()
		set[variable] = value
		c, err := parse(reading(variable), from(set))
		if err != nil {
			set[variable] = "?"
			_, other := parse(reading(variable), from(set))
			if !strings.Contains(err.Error(), variable) || len(value) > 12 && strings.Contains(err.Error(), value) && (other == nil || !strings.Contains(other.Error(), value)) {
				t.Errorf("%s: %q: %v", variable, value, err)
			}
			return
		}
		wantBounds(t, c)
	})
}

// wantBounds judges what a configuration must keep, whatever it was read from.
func wantBounds(t *testing.T, c Config) {
	t.Helper()
	s := c.Settings
	if s.Slots < 0 || s.Slots > mostSlots || !s.Limits.Valid() {
		t.Errorf("%d slots, limits %v", s.Slots, s.Limits)
	}
	for _, vendor := range fleet.Vendors() {
		b, ok := s.Limits.Of(vendor)
		sum := 0
		for _, class := range budget.Classes() {
			sum += b.Reserve[class]
		}
		if ok && (b.Reserve[budget.Provisioning] < b.Busiest || sum > b.Usable() || sum <= 0) {
			t.Errorf("%s: reserved are %v of %d", vendor, b.Reserve, b.Limit)
		}
	}
	if n := s.Limits.Slots(fleet.Vendors(), s.Slots); n < 1 || s.Slots > 0 && n > s.Slots {
		t.Errorf("%d provisionings at once, of %d", n, s.Slots)
	}
	for name, n := range s.Quotas {
		if n < 0 || !slices.Contains(step.Quotas(), name) {
			t.Errorf("quota %s is %d", name, n)
		}
	}
	for _, plan := range s.AutoApprove {
		if !slices.Contains(fleet.Plans(), plan) {
			t.Errorf("plan %q", plan)
		}
	}
	if u, err := url.Parse(s.PublicURL); err != nil || s.PublicURL != "" && (u.Host == "" || strings.HasSuffix(s.PublicURL, "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		t.Errorf("the public URL is %q", s.PublicURL)
	}
	for _, ip := range c.Vendors.SendGridIPs {
		if a, err := netip.ParseAddr(ip); err != nil || !a.Is4() {
			t.Errorf("the address %q", ip)
		}
	}
	for name, r := range c.Credentials {
		if r.Name == "" || r.Kind != SecretsManager {
			t.Errorf("%s is at %+v", name, r)
		}
	}
	for _, workflow := range catalog.Workflows() {
		if len(c.StateMachines.ARNs) > 0 && !strings.Contains(c.StateMachines.ARNs[workflow], ":stateMachine:") {
			t.Errorf("%s is %q", workflow, c.StateMachines.ARNs[workflow])
		}
	}
}
