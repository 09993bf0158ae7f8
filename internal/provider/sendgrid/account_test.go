package sendgrid_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
)

func TestAccount(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		scopes := must[[]string](t)(w.client.Scopes(t.Context()))
		if !slices.Contains(scopes, "mail.send") || !slices.Contains(scopes, "subusers.create") {
			t.Errorf("the key's scopes are %v", scopes)
		}
		ips, err := w.client.IPs(t.Context())
		if err != nil || fmt.Sprint(ips) != "[192.0.2.1 192.0.2.2]" {
			t.Errorf("the addresses are %v, %v", ips, err)
		}
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(attempt(t), newSubuser))
		if n := must[int](t)(w.client.CountSubusers(t.Context())); n != 1 {
			t.Errorf("%d subusers, want 1", n)
		}
	})
}

// TestEveryPageIsCounted: what is on several pages, or on two of them because the list shifted.
func TestEveryPageIsCounted(t *testing.T) {
	client := sendgrid.New(config(answers(func(r *http.Request) (int, string) {
		if r.URL.Query().Has("username") {
			t.Errorf("filtered: %s", r.URL.RawQuery)
		}
		var page []string
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &from) // 0 on the first page
		for i := from; i < min(from+100, 205); i++ {
			page = append(page, fmt.Sprintf(`{"id":%d,"username":"gf-i%d"}`, max(i, 5), i))
		}
		return 200, "[" + strings.Join(page, ",") + "]"
	})))
	if n := must[int](t)(client.CountSubusers(t.Context())); n != 200 {
		t.Errorf("%d subusers, want 200 different ones", n)
	}
}

func TestScopesAreWords(t *testing.T) {
	_, err := always(200, `{"scopes":["mail.send","vendor's words"]}`).Scopes(t.Context())
	assertFault(t, err, "ListScopes", fault.Unavailable, false, 0)
}
