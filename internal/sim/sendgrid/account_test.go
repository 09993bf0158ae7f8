package sendgrid_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

// TestScopesOfTheParentsKey: a key with few scopes is told so, and refused what it may not do.
func TestScopesOfTheParentsKey(t *testing.T) {
	s := sendgrid.New(sim.Options{Clock: clock.System()}, sendgrid.Config{Key: "SG.few", Scopes: []string{"mail.send"}, IPs: []string{"192.0.2.1"}})
	for path, want := range map[string]int{"/v3/scopes": 200, "/v3/ips": 403, "/v3/subusers": 403} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer SG.few")
		out := httptest.NewRecorder()
		s.ServeHTTP(out, r)
		if out.Code != want || want == 200 && out.Body.String() != "{\"scopes\":[\"mail.send\"]}\n" {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
	}
}
