package cloudflare_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
)

// page is where suspended hosts lead.
const page = "suspended.gimbal.example"

// TestPoint: there and back, by the proxy or not, in one change each; mark and other records stay as they are.
func TestPoint(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
		other := cname
		other.Name = "other.gimbal.app"
		must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), other))
		for _, step := range []struct {
			target  string
			proxied bool
		}{{page, true}, {strings.ToUpper(page) + ".", true}, {cname.Content, true}, {page, false}, {cname.Content, false}} {
			w.calls = nil
			if err := w.client.Point(attempt(t), made.ID, step.target, step.proxied); err != nil {
				t.Fatalf("%+v: %v", step, err)
			}
			want := made
			want.Content, want.Proxied = strings.ToLower(strings.TrimSuffix(step.target, ".")), step.proxied
			if found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "", host)); len(found) != 1 || found[0] != want {
				t.Errorf("%+v: found %+v, want %+v", step, found, want)
			}
			if target, proxied, ok := w.vendor.LookupCNAME(host); !ok || target != want.Content || proxied != step.proxied {
				t.Errorf("%+v: it resolves to %s, proxied %v", step, target, proxied)
			}
			if n := count(w.calls, "UpdateRecord"); n != 1 {
				t.Errorf("%+v: %d changes", step, n)
			}
		}
		if target, proxied, ok := w.vendor.LookupCNAME(other.Name); !ok || target != cname.Content || proxied {
			t.Errorf("the other one leads to %s, proxied %v", target, proxied)
		}
		if err := w.client.DeleteRecord(attempt(t), made.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.client.Point(attempt(t), made.ID, page, true); !provider.NotFound(err) {
			t.Errorf("an absent record: %v", err)
		}
	})
}

// TestPointsNothingOfOthers: a record without a mark, or of another type, stays as it is.
func TestPointsNothingOfOthers(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		for _, n := range []cloudflare.NewRecord{
			{Type: "CNAME", Name: "www.gimbal.app", Content: "x.example.com"},
			{Type: "TXT", Name: "txt.gimbal.app", Content: "x", Comment: cname.Comment},
			{Type: "A", Name: "a.gimbal.app", Content: "192.0.2.1", Comment: cname.Comment},
		} {
			made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), n))
			assertFault(t, w.client.Point(attempt(t), made.ID, page, true), "UpdateRecord", fault.NotOurs, true, 0)
			if found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "", n.Name)); len(found) != 1 || found[0] != made {
				t.Errorf("found %+v, want %+v", found, made)
			}
		}
		for _, target := range []string{"", "."} {
			assertFault(t, w.client.Point(attempt(t), strings.Repeat("a", 32), target, true), "UpdateRecord", fault.Internal, true, 0)
		}
		if n := count(w.calls, "UpdateRecord"); n != 0 {
			t.Errorf("%d changes were sent", n)
		}
	})
}

// TestPointGoesWrong: what each way of failing proves, and that a repeat ends it.
func TestPointGoesWrong(t *testing.T) {
	for _, test := range []struct {
		kind    string
		code    fault.Code
		nothing bool
		effect  bool
	}{
		{"refused", fault.Unavailable, true, false}, {"429", fault.Throttled, true, false}, {"403", fault.Rejected, true, false},
		{"500-before", fault.Unavailable, false, false}, {"500-after", fault.Unavailable, false, true}, {"lost", fault.Unavailable, false, true},
		{"hang", fault.Unavailable, false, false}, {"delayed", fault.Unavailable, false, true},
	} {
		simulate(t, "cloudflare.UpdateRecord="+test.kind, sim.Options{}, func(t *testing.T, w *world) {
			made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
			assertFault(t, w.client.Point(attempt(t), made.ID, page, true), "UpdateRecord", test.code, test.nothing, 0)
			w.link.Drain()
			if target, proxied, _ := w.vendor.LookupCNAME(host); (target == page) != test.effect || proxied != test.effect {
				t.Errorf("%s: it leads to %s, proxied %v", test.kind, target, proxied)
			}
			if err := w.client.Point(attempt(t), made.ID, page, true); err != nil {
				t.Errorf("%s: again: %v", test.kind, err)
			}
		})
	}
}

// TestChangesAreShown: an answer that doesn't show the change proves nothing.
func TestChangesAreShown(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	shown := func(content, proxied string) string {
		return `{"success":true,"result":{"id":"` + id + `","type":"CNAME","name":"` + host + `","content":"` + content + `","comment":"m","proxied":` + proxied + `}}`
	}
	for name, changed := range map[string]string{
		"the old target": shown("cname.vercel-dns.com", "true"), "not proxied": shown(page, "false"),
		"another record": strings.Replace(shown(page, "true"), id, "ffffffffffffffffffffffffffffffff", 1), "nothing": `{"success":true}`,
	} {
		client := cloudflare.New(config(answers(func(r *http.Request) (int, string) {
			if r.Method == http.MethodGet {
				return 200, shown("cname.vercel-dns.com", "false")
			}
			return 200, changed
		})))
		err := client.Point(attempt(t), id, page, true)
		assertFault(t, err, "UpdateRecord", fault.Unavailable, false, 0)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
