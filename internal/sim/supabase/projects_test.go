package supabase

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

func TestStatusesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{ReadyMin: time.Minute, ReadyMax: time.Minute, Going: 8 * time.Second})
		ref := w.create(t, "one")
		remove := func() reply { return w.manage(t, "DELETE", "/v1/projects/"+ref, "") }
		for _, step := range []struct {
			wait   time.Duration
			status string
			delete int
		}{
			{0, "UNKNOWN", 400},
			{2 * time.Second, "COMING_UP", 400},
			{57 * time.Second, "COMING_UP", 400},
			{time.Second, "ACTIVE_HEALTHY", 200},
			{0, "GOING_DOWN", 200},
			{8 * time.Second, "404", 404},
		} {
			w.sleep(t, step.wait)
			if got := w.status(t, ref); got != step.status {
				t.Errorf("%s, want %s", got, step.status)
			}
			if r := remove(); r.status != step.delete {
				t.Errorf("%s: deletion answers %d, want %d", step.status, r.status, step.delete)
			} else if r.status == 400 && r.text(t, "message") != "Project not ready for deletion." {
				t.Errorf("message %q", r.text(t, "message"))
			}
		}
		if held := w.Inventory(); len(held) != 0 {
			t.Errorf("held: %v", held)
		}
	})
}

func TestLatenciesLieInBoundsAndFollowTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := func(seed uint64) (all []time.Duration, refs []string) {
			w := newWorld(sim.Options{Seed: seed}, Settings{})
			for i := range 40 {
				p := w.find(w.create(t, fmt.Sprintf("p%d", i)))
				all, refs = append(all, p.Ready.Sub(p.Created)), append(refs, p.Ref)
				for service, at := range p.Services {
					if lag := at.Sub(p.Ready); lag < 0 || lag > 5*time.Second {
						t.Errorf("%s is healthy %v after its project", service, lag)
					}
				}
			}
			return all, refs
		}
		first, firstRefs := up(1)
		again, againRefs := up(1)
		other, otherRefs := up(2)
		low, high := first[0], first[0]
		for i, d := range first {
			low, high = min(low, d), max(high, d)
			if d != again[i] || firstRefs[i] != againRefs[i] {
				t.Fatal("the same seed gives other projects")
			}
		}
		if low < 8*time.Second || high > 120*time.Second || high-low < time.Minute {
			t.Errorf("projects come up after %v to %v", low, high)
		}
		if fmt.Sprint(first) == fmt.Sprint(other) || firstRefs[0] == otherRefs[0] {
			t.Error("another seed gives the same projects")
		}
	})
}

func TestCreationIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		change := func(old, replacement string) string { return strings.Replace(newBody, old, replacement, 1) }
		for name, c := range map[string]struct {
			body   string
			status int
		}{
			"good":             {newBody, 201},
			"smallest":         {`{"name":"x","db_pass":"1234","organization_slug":"gimbal"}`, 201},
			"group of regions": {change(`"type":"specific","code":"eu-west-1"`, `"type":"smartGroup","code":"apac"`), 201},
			"old region":       {change(`"region_selection":{"type":"specific","code":"eu-west-1"}`, `"region":"us-west-1"`), 201},
			"ignored plan":     {change(`{"name"`, `{"plan":"pro","name"`), 201},
			"both regions":     {change(`{"name"`, `{"region":"us-west-1","name"`), 400},
			"unknown region":   {change("eu-west-1", "mars-1"), 400},
			"unknown group":    {change(`"type":"specific","code":"eu-west-1"`, `"type":"smartGroup","code":"mars"`), 400},
			"unknown field":    {change(`{"name"`, `{"colour":"red","name"`), 400},
			"no name":          {change(`"one"`, `""`), 400},
			"long name":        {named(strings.Repeat("x", 257)), 400},
			"dot in name":      {named("a.b"), 400},
			"short password":   {change("secret-password", "123"), 400},
			"no password":      {change(`"db_pass":"secret-password",`, ``), 400},
			"no organisation":  {change(`"organization_slug":"gimbal",`, ``), 400},
			"wrong type":       {change(`"one"`, `1`), 400},
			"no JSON":          {`name=one`, 400},
			"another's":        {change("gimbal", "other"), 404},
		} {
			if r := w.manage(t, "POST", "/v1/projects", c.body); r.status != c.status {
				t.Errorf("%s: %d %v, want %d", name, r.status, r.body, c.status)
			}
		}
	})
}

func TestTokenIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		for _, header := range []string{"", "Bearer wrong", accessToken} {
			r := send(t, w, "POST", "https://api.supabase.test/v1/projects", newBody, "Authorization", header)
			if r.status != http.StatusUnauthorized {
				t.Errorf("%q: %d", header, r.status)
			}
		}
		if held := w.Inventory(); len(held) != 0 {
			t.Errorf("held: %v", held)
		}
		if r := w.manage(t, "GET", "/v1/nothing", ""); r.status != http.StatusNotFound {
			t.Errorf("no such route: %d", r.status)
		}
	})
}

func TestListsLagBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{Lag: 20 * time.Second}, Settings{ReadyMin: time.Second, ReadyMax: time.Second, Going: -1})
		ref := w.create(t, "one")
		late := w.create(t, "late", sim.VisibleAfter, "40s")
		if n := len(w.listed(t, "")); n != 0 || len(w.Inventory()) != 2 {
			t.Errorf("at once %d are listed and %d held", n, len(w.Inventory()))
		}
		w.sleep(t, 20*time.Second)
		if n := len(w.listed(t, "")); n != 1 {
			t.Errorf("after the lag %d are listed", n)
		}
		w.sleep(t, 20*time.Second)
		if n := len(w.listed(t, "")); n != 2 {
			t.Errorf("after the scripted lag %d are listed", n)
		}
		for _, ref := range []string{ref, late} {
			if r := w.manage(t, "DELETE", "/v1/projects/"+ref, ""); r.status != 200 {
				t.Fatalf("deletion: %+v", r)
			}
		}
		if n := len(w.listed(t, "")); n != 2 || w.status(t, ref) != "404" {
			t.Errorf("just deleted: %d are listed, the status is %s", n, w.status(t, ref))
		}
		w.sleep(t, 20*time.Second)
		if n := len(w.listed(t, "")); n != 0 {
			t.Errorf("long deleted: %d are listed", n)
		}
	})
}

func TestListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{ReadyMin: time.Minute, ReadyMax: time.Minute})
		for _, name := range []string{"b", "a", "bc"} {
			w.create(t, name)
			w.sleep(t, 25*time.Second)
		}
		for query, want := range map[string]string{
			"":                         "a b bc",
			"?search=B":                "b bc",
			"?sort=name_desc":          "bc b a",
			"?sort=created_asc":        "b a bc",
			"?sort=created_desc":       "bc a b",
			"?limit=1":                 "a",
			"?limit=1&offset=2":        "bc",
			"?offset=9":                "",
			"?statuses=ACTIVE_HEALTHY": "b",
			"?statuses=INACTIVE":       "",
			"?limit=0":                 "400",
			"?limit=101":               "400",
			"?offset=-1":               "400",
			"?sort=size":               "400",
			"?statuses=COMING_UP":      "400",
		} {
			r := w.manage(t, "GET", "/v1/organizations/gimbal/projects"+query, "")
			got := "400"
			if r.status == 200 {
				var names []string
				rows, _ := r.at(t, "projects").([]any)
				for i := range rows {
					names = append(names, r.text(t, "projects", i, "name"))
				}
				got = strings.Join(names, " ")
			}
			if got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		if r := w.manage(t, "GET", "/v1/organizations/other/projects", ""); r.status != 404 {
			t.Errorf("another organisation: %d", r.status)
		}
	})
}

func TestAllowanceCountsWhatIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{Allowance: 1})
		ref := w.create(t, "one")
		if r := w.manage(t, "POST", "/v1/projects", named("two")); r.status != 400 || !strings.Contains(r.text(t, "message"), "(1 project limit)") {
			t.Errorf("beyond the allowance: %+v", r)
		}
		w.sleep(t, 10*time.Minute)
		if r := w.manage(t, "DELETE", "/v1/projects/"+ref, ""); r.status != 200 {
			t.Fatalf("deletion: %+v", r)
		}
		w.sleep(t, time.Minute)
		w.create(t, "two")
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{PerMinute: 3})
		for left := 2; left >= 0; left-- {
			r := w.manage(t, "GET", "/v1/organizations/gimbal/projects", "")
			if r.status != 200 || r.header.Get("X-Ratelimit-Limit") != "3" || r.header.Get("X-Ratelimit-Remaining") != fmt.Sprint(left) {
				t.Errorf("%d left: %d %v", left, r.status, r.header)
			}
		}
		w.sleep(t, 20*time.Second)
		r := w.manage(t, "POST", "/v1/projects", newBody)
		if r.status != 429 || r.header.Get("X-Ratelimit-Reset") != "40" || len(w.Inventory()) != 0 {
			t.Errorf("beyond the limit: %d %v, %v", r.status, r.header, w.Inventory())
		}
		w.sleep(t, 40*time.Second)
		w.create(t, "one")
	})
}

func TestAnswersTakeTimeBeforeTheirEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{Answer: 2 * time.Second}, Settings{})
		begun := w.clock.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.create(t, "one")
		}()
		w.sleep(t, 999*time.Millisecond)
		if n := len(w.Inventory()); n != 0 {
			t.Errorf("%d projects before the call took its time", n)
		}
		<-done
		if took := w.clock.Now().Sub(begun); took < time.Second || took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestFailAnswersLikeTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		fail := func(status int, after time.Duration) reply {
			return send(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { w.Fail(rw, status, after) }), "GET", "/", "")
		}
		if r := fail(429, 1500*time.Millisecond); r.status != 429 || r.header.Get("Retry-After") != "2" || r.text(t, "message") == "" {
			t.Errorf("%+v", r)
		}
		if r := fail(500, 0); r.status != 500 || r.header.Get("Retry-After") != "" {
			t.Errorf("%+v", r)
		}
	})
}
