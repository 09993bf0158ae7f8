package supabase_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

func TestProjectFromCreationToRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{ReadyMin: time.Minute, ReadyMax: time.Minute, Healthy: 10 * time.Second})
		p := w.create(t, "one")
		if p.Name != "one" || p.Region != "eu-central-1" || p.Ready() || p.Failed() {
			t.Errorf("created: %+v", p)
		}
		found, err := w.FindProjects(t.Context(), "one")
		if err != nil || len(found) != 1 || found[0].Ref != p.Ref {
			t.Fatalf("a half-created project is not found: %v, %v", found, err)
		}
		if _, err := w.APIKeys(t.Context(), p.Ref); !fault.Is(err, fault.NotReady) || !fault.NothingHappened(err) {
			t.Errorf("keys while coming up: %v", err)
		}
		if _, err := w.Pooler(t.Context(), p.Ref); !fault.Is(err, fault.NotReady) {
			t.Errorf("pooler while coming up: %v", err)
		}
		if err := w.DeleteProject(attempt(t), p.Ref); !fault.Is(err, fault.NotReady) || !fault.NothingHappened(err) {
			t.Errorf("deletion while coming up: %v", err)
		}

		w.sleep(t, time.Minute)
		p, err = w.Project(t.Context(), p.Ref)
		if err != nil || !p.Ready() {
			t.Fatalf("after a minute: %+v, %v", p, err)
		}
		if up, all := healthy(t, w, p.Ref); up == all {
			t.Error("every service is healthy the moment the project is ready")
		}
		w.sleep(t, 10*time.Second)
		if up, all := healthy(t, w, p.Ref); up != 5 || all != 5 {
			t.Errorf("%d of %d services healthy, want 5 of 5", up, all)
		}
		pooler, err := w.Pooler(t.Context(), p.Ref)
		if err != nil || pooler.User != "postgres."+p.Ref || !strings.HasSuffix(pooler.Host, "-eu-central-1.pooler.supabase.com") {
			t.Errorf("pooler: %+v, %v", pooler, err)
		}
		if err := w.SetDatabasePassword(attempt(t), p.Ref, provider.NewSecret("new-password")); err != nil {
			t.Error(err)
		}

		if err := w.DeleteProject(attempt(t), p.Ref); err != nil {
			t.Fatal(err)
		}
		if p, err := w.Project(t.Context(), p.Ref); err != nil || !p.Failed() {
			t.Errorf("going down: %+v, %v", p, err)
		}
		if err := w.DeleteProject(attempt(t), p.Ref); err != nil {
			t.Errorf("deleted twice: %v", err)
		}
		w.sleep(t, time.Minute)
		if _, err := w.Project(t.Context(), p.Ref); !provider.NotFound(err) {
			t.Errorf("a project that is gone: %v", err)
		}
		if err := w.DeleteProject(attempt(t), p.Ref); err != nil {
			t.Errorf("deleted when gone: %v", err)
		}
		if found, err := w.FindProjects(t.Context(), "one"); err != nil || len(found) != 0 {
			t.Errorf("found when gone: %v, %v", found, err)
		}
	})
}

func healthy(t *testing.T, w *world, ref string) (up, all int) {
	t.Helper()
	services, err := w.Health(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if s.Healthy != (s.Status == "ACTIVE_HEALTHY") {
			t.Errorf("service %+v", s)
		}
		if s.Healthy {
			up++
		}
	}
	return up, len(services)
}

func TestStatusSplit(t *testing.T) {
	for status, want := range map[string]string{
		"ACTIVE_HEALTHY": "ready",
		"GOING_DOWN":     "failed", "INIT_FAILED": "failed", "REMOVED": "failed", "INACTIVE": "failed",
		"PAUSE_FAILED": "failed", "RESTORE_FAILED": "failed",
		"ACTIVE_UNHEALTHY": "wait", "RESTORING": "wait", "COMING_UP": "wait", "UPGRADING": "wait", "PAUSING": "wait",
		"RESIZING": "wait", "RESTARTING": "wait", "UNKNOWN": "wait", "A_STATUS_OF_TOMORROW": "wait",
	} {
		p := supabase.Project{Status: status}
		got := "wait"
		if p.Ready() {
			got = "ready"
		}
		if p.Failed() {
			got = "failed"
		}
		if got != want || p.Ready() && p.Failed() {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}

func TestFindFollowsAllPagesAndTakesOnlyTheExactName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		// All contain what is searched for; the one that is meant is on the third page.
		for i := range 230 {
			w.create(t, fmt.Sprintf("one-%03d", i))
			w.sleep(t, time.Second)
		}
		want := w.create(t, "one")
		*w.calls = nil
		found, err := w.FindProjects(t.Context(), "one")
		if err != nil || len(found) != 1 || found[0].Ref != want.Ref {
			t.Errorf("found %v, %v", found, err)
		}
		if len(*w.calls) != 3 {
			t.Errorf("%d calls, want 3 pages", len(*w.calls))
		}
	})
}

func TestFindSkipsBranchesAndTheRemoved(t *testing.T) {
	row := func(ref, status string, branch bool) string {
		return fmt.Sprintf(`{"ref":%q,"name":"one","region":"x","status":%q,"is_branch":%v}`, ref, status, branch)
	}
	a, b, c := strings.Repeat("a", 20), strings.Repeat("b", 20), strings.Repeat("c", 20)
	s := &stub{status: 200, body: fmt.Sprintf(`{"projects":[%s,%s,%s],"pagination":{"count":3,"limit":100,"offset":0}}`,
		row(a, "ACTIVE_HEALTHY", true), row(b, "REMOVED", false), row(c, "INIT_FAILED", false))}
	found, err := stubbed(s).FindProjects(t.Context(), "one")
	if err != nil || len(found) != 1 || found[0].Ref != c {
		t.Errorf("found %v, %v; want only %s", found, err, c)
	}
}

func TestFindRefusesListsThatDoNotAddUp(t *testing.T) {
	ref := strings.Repeat("a", 20)
	for name, body := range map[string]string{
		"ends before its count": `{"projects":[],"pagination":{"count":3}}`,
		"never ends":            `{"projects":[{"ref":"` + ref + `","name":"one","status":"UNKNOWN"}],"pagination":{"count":100000}}`,
		"no count":              `{"projects":[],"pagination":{}}`,
		"no list":               `{"pagination":{"count":0}}`,
		"not a reference":       `{"projects":[{"ref":"../x","name":"one","status":"UNKNOWN"}],"pagination":{"count":1}}`,
	} {
		_, err := stubbed(&stub{status: 200, body: body}).FindProjects(t.Context(), "one")
		if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLookUpLagsBehindCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules, err := sim.ParseRules("supabase.CreateProject=late:30s")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, simulator.Settings{}, rules...)
		p := w.create(t, "one")
		if found, err := w.FindProjects(t.Context(), "one"); err != nil || len(found) != 0 {
			t.Errorf("at once: %v, %v", found, err)
		}
		if _, err := w.Project(t.Context(), p.Ref); err != nil {
			t.Errorf("by reference: %v", err)
		}
		w.sleep(t, 30*time.Second)
		if found, err := w.FindProjects(t.Context(), "one"); err != nil || len(found) != 1 {
			t.Errorf("after the lag: %v, %v", found, err)
		}
	})
}

func TestAllowanceUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{Allowance: 1})
		w.create(t, "one")
		_, err := w.CreateProject(attempt(t), newProject("two"))
		if !fault.Is(err, fault.QuotaExceeded) || !fault.NothingHappened(err) {
			t.Errorf("beyond the allowance: %v", err)
		}
	})
}

func TestNamesNeedNotBeUnique(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		a, b := w.create(t, "one"), w.create(t, "one")
		found, err := w.FindProjects(t.Context(), "one")
		if err != nil || len(found) != 2 || a.Ref == b.Ref {
			t.Errorf("found %v, %v; want both", found, err)
		}
	})
}

func TestDatabaseURL(t *testing.T) {
	ref := strings.Repeat("q", 20)
	at := supabase.Pooler{Host: "aws-1-eu.pooler.supabase.com", User: "postgres." + ref}
	for _, c := range []struct{ template, want string }{
		{provider.Production().SupabaseDatabase, "postgres://postgres." + ref + ":p%40ss%2Fw@aws-1-eu.pooler.supabase.com:5432/postgres?sslmode=verify-full"},
		{"postgres://{user}@127.0.0.1:5433/{ref}?sslmode=disable", "postgres://postgres." + ref + ":p%40ss%2Fw@127.0.0.1:5433/" + ref + "?sslmode=disable"},
		{"no url", ""},
		{"", ""},
		{"postgres://[", ""},
	} {
		cfg := config(nil, nil)
		cfg.Endpoints.SupabaseDatabase = c.template
		got := supabase.New(cfg).DatabaseURL(ref, at, provider.NewSecret("p@ss/w"))
		if got.Reveal() != c.want {
			t.Errorf("%s: %s, want %s", c.template, got.Reveal(), c.want)
		}
	}
}
