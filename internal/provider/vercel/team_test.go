package vercel_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/vercel"
)

func TestTeam(t *testing.T) {
	inWorld(t, "", func(c *simulator.Config, _ *sim.Options) { c.Role = "VIEWER" }, func(w *world) {
		seen, err := w.client.Team(w.Context())
		if err != nil || seen.ID != team || seen.Role != "VIEWER" || !seen.Confirmed || seen.MayCreateProjects() {
			w.Errorf("%+v, %v", seen, err)
		}
		c := settings(w.clock, w.link)
		c.Settings.VercelTeam = "team_other"
		if _, err := vercel.New(c).Team(w.Context()); !provider.NotFound(err) {
			w.Errorf("another team: %v", err)
		}
	})
	for _, test := range []struct {
		team vercel.Team
		may  bool
	}{
		{vercel.Team{Role: "OWNER", Confirmed: true}, true},
		{vercel.Team{Role: "OWNER"}, false},
		{vercel.Team{Role: "DEVELOPER", Confirmed: true}, true},
		{vercel.Team{Role: "BILLING", Confirmed: true}, false},
		{vercel.Team{Role: "CONTRIBUTOR", Confirmed: true, Permissions: []string{"UsageViewer", "CreateProject"}}, true},
	} {
		if test.team.MayCreateProjects() != test.may {
			t.Errorf("%+v may create projects: %t", test.team, !test.may)
		}
	}
}

func TestTeamOfAnotherID(t *testing.T) {
	c := settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"id":"team_1","membership":{"confirmed":true,"role":"OWNER"}}`), nil
	}))
	c.Settings.VercelTeam = "gimbal" // a slug, which the path takes and no other call may be given
	if _, err := vercel.New(c).Team(t.Context()); !fault.Is(err, fault.Rejected) {
		t.Error(err)
	}
}

func TestCountProjects(t *testing.T) {
	inWorld(t, "", func(_ *simulator.Config, o *sim.Options) { o.Answer = 0 }, func(w *world) {
		for i := range 230 {
			w.project(fmt.Sprint("p", i))
			if i%3 > 0 { // some are made within one millisecond
				w.sleep(time.Millisecond)
			}
		}
		w.calls = nil
		if n, err := w.client.CountProjects(w.Context()); err != nil || n != 230 {
			w.Errorf("%d projects, %v; want 230", n, err)
		}
		if len(w.calls) != 3 {
			w.Errorf("%d pages, want 3", len(w.calls))
		}
	})
}

func TestPagesByNumberAndByString(t *testing.T) {
	for _, next := range []string{`7`, `"7"`} {
		sent := 0
		client := vercel.New(settings(clock.System(), roundTrip(func(req *http.Request) (*http.Response, error) {
			sent++
			if req.URL.Query().Get("from") == "7" {
				return answer(200, `{"projects":[{"id":"prj_2","name":"b"},{"id":"prj_1","name":"a"}],"pagination":{"count":2,"next":null}}`), nil
			}
			return answer(200, `{"projects":[{"id":"prj_1","name":"a"}],"pagination":{"count":1,"next":`+next+`}}`), nil
		})))
		if n, err := client.CountProjects(t.Context()); err != nil || n != 2 || sent != 2 {
			t.Errorf("next %s: %d projects on %d pages, %v", next, n, sent, err)
		}
	}
	client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"projects":[],"pagination":{"count":0,"next":{}}}`), nil
	})))
	if _, err := client.CountProjects(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a next page that is neither: %v", err)
	}
}
