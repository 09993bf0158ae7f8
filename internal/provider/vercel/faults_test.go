package vercel_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/vercel"
)

// operation is one method of the client, called so that its simulated vendor would let it succeed.
type operation struct {
	change bool // not a read
	call   func(ctx context.Context, c *vercel.Client) error
}

// projectID is what the operations below use as a project; its simulator doesn't matter where a fault comes first.
const projectID = "prj_any"

var operations = map[string]operation{
	"GetProject": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.FindProject(ctx, "acme")
		return err
	}},
	"CreateProject": {true, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.CreateProject(ctx, vercel.NewProject{Name: "acme", Mark: "i-1"})
		return err
	}},
	"PauseProject":   {true, func(ctx context.Context, c *vercel.Client) error { return c.Pause(ctx, projectID) }},
	"UnpauseProject": {true, func(ctx context.Context, c *vercel.Client) error { return c.Unpause(ctx, projectID) }},
	"DeleteProject":  {true, func(ctx context.Context, c *vercel.Client) error { return c.DeleteProject(ctx, projectID) }},
	"CreateProjectEnv": {true, func(ctx context.Context, c *vercel.Client) error {
		return c.SetEnvironment(ctx, projectID, variables("hidden"))
	}},
	"GetProjectDomain": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.FindDomain(ctx, projectID, host)
		return err
	}},
	"AddProjectDomain": {true, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.AddDomain(ctx, projectID, host)
		return err
	}},
	"RemoveProjectDomain": {true, func(ctx context.Context, c *vercel.Client) error { return c.RemoveDomain(ctx, projectID, host) }},
	"GetDomainConfig": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.DomainConfig(ctx, projectID, host)
		return err
	}},
	"UploadFile": {true, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.UploadFile(ctx, content)
		return err
	}},
	"CreateDeployment": {true, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.CreateDeployment(ctx, vercel.NewDeployment{Project: projectID, Name: "acme", Files: []vercel.File{{Path: "a", Inline: content}}})
		return err
	}},
	"GetDeployments": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.FindDeployments(ctx, projectID, "operationId", "op-1")
		return err
	}},
	"GetTeam": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.Team(ctx)
		return err
	}},
	"GetProjects": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.CountProjects(ctx)
		return err
	}},
	"GetProjectDomains": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.Domains(ctx, projectID)
		return err
	}},
	"GetDeployment": {false, func(ctx context.Context, c *vercel.Client) error {
		_, err := c.Deployment(ctx, "dpl_any")
		return err
	}},
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations)) }

func TestEveryOperationUnderEveryFault(t *testing.T) {
	tests := []struct {
		kind    sim.Kind
		code    fault.Code
		nothing bool
		wait    time.Duration
	}{
		{sim.Refused, fault.Unavailable, true, 0},
		{sim.TooMany, fault.Throttled, true, 0},
		{sim.TooManyRetry, fault.Throttled, true, 5 * time.Second},
		{sim.Denied, fault.Rejected, true, 0},
		{sim.ErrorBefore, fault.Unavailable, false, 0},
		{sim.ErrorAfter, fault.Unavailable, false, 0},
		{sim.Lost, fault.Unavailable, false, 0},
		{sim.Hang, fault.Unavailable, false, 0},
		{sim.Delayed, fault.Unavailable, false, 0},
	}
	for _, name := range operationNames() {
		for _, test := range tests {
			t.Run(name+"/"+string(test.kind), func(t *testing.T) {
				inWorld(t, "vercel."+name+"="+string(test.kind), nil, func(w *world) {
					start := w.clock.Now()
					err := operations[name].call(w.attempt(), w.client)
					f, ok := errors.AsType[*fault.Error](err)
					if !ok {
						w.Fatalf("no fault: %v", err)
					}
					if f.Code != test.code || f.NothingHappened != test.nothing || f.RetryAfter != test.wait ||
						f.Vendor != "vercel" || f.Operation != name {
						w.Errorf("got %+v", f)
					}
					if took := w.clock.Now().Sub(start); took > 20*time.Second {
						w.Errorf("took %v", took)
					}
					if len(w.calls) != 1 || w.calls[0].Operation != name {
						w.Errorf("sent %+v", w.calls)
					}
				})
			})
		}
	}
}

func TestChangesNeedAnAttempt(t *testing.T) {
	for _, name := range operationNames() {
		inWorld(t, "", nil, func(w *world) {
			err := operations[name].call(w.Context(), w.client)
			if refused := errors.Is(err, provider.ErrNoAttempt); refused != operations[name].change {
				w.Errorf("%s: %v", name, err)
			}
			if operations[name].change && (!fault.NothingHappened(err) || len(w.calls) != 0) {
				w.Errorf("%s was sent", name)
			}
		})
	}
}

func TestEveryCallNamesTheTeam(t *testing.T) {
	for _, name := range operationNames() {
		synctest.Test(t, func(t *testing.T) {
			c := settings(clock.System(), roundTrip(func(req *http.Request) (*http.Response, error) {
				if got := req.URL.Query()["teamId"]; !slices.Equal(got, []string{team}) && req.URL.Path != "/v2/teams/"+team {
					t.Errorf("%s: teamId %q", name, got)
				}
				if got := req.Header.Get("Authorization"); got != "Bearer "+token {
					t.Errorf("%s: authorization %q", name, got)
				}
				return answer(500, ""), nil
			}))
			_ = operations[name].call(provider.WithAttempt(t.Context()), vercel.New(c)) // it fails: the test is above
			c.Settings.VercelTeam, c.Transport = "", roundTrip(func(*http.Request) (*http.Response, error) {
				t.Errorf("%s: sent without a team", name)
				return answer(500, ""), nil
			})
			if err := operations[name].call(provider.WithAttempt(t.Context()), vercel.New(c)); !fault.Is(err, fault.Internal) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestWrongTeamAndTokenAreRefused(t *testing.T) {
	for what, change := range map[string]func(*simulator.Config){
		"team":  func(c *simulator.Config) { c.Team = "team_other" },
		"token": func(c *simulator.Config) { c.Token = "other" },
	} {
		inWorld(t, "", func(c *simulator.Config, _ *sim.Options) { change(c) }, func(w *world) {
			_, err := w.client.CreateProject(w.attempt(), vercel.NewProject{Name: "acme"})
			if !fault.Is(err, fault.Rejected) || len(w.sim.Inventory()) != 0 {
				w.Errorf("wrong %s: %v", what, err)
			}
		})
	}
}

func TestRateLimitIsHonoured(t *testing.T) {
	inWorld(t, "", func(c *simulator.Config, o *sim.Options) { c.Limit, o.Answer = 2, 0 }, func(w *world) {
		for range 2 {
			if _, err := w.client.FindProject(w.Context(), "acme"); err != nil {
				w.Fatal(err)
			}
		}
		_, err := w.client.FindProject(w.Context(), "acme")
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Throttled || f.VendorCode != "rate_limited" || f.RetryAfter != time.Minute {
			w.Fatalf("got %+v", err)
		}
		w.sleep(f.RetryAfter)
		if _, err := w.client.FindProject(w.Context(), "acme"); err != nil {
			w.Error(err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func TestCredentialFailureSendsNothing(t *testing.T) {
	c := settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return answer(200, "{}"), nil
	}))
	c.Credential = func(context.Context, string) (provider.Secret, error) {
		return provider.Secret{}, errors.New("the vault said private words")
	}
	_, err := vercel.New(c).FindProject(t.Context(), "acme")
	if !fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err) || strings.Contains(err.Error(), "words") {
		t.Errorf("got %v", err)
	}
}
