package supabase_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

const (
	token        = "sbp_0123456789abcdef"
	organization = "gimbal"
	adminID      = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	adminMail    = "ada@example.com"
)

// world is a client linked to a simulator. Made inside a synctest bubble, its time is virtual.
type world struct {
	*supabase.Client
	clock clock.Clock
	sim   *simulator.Sim
	link  *sim.Link
	calls *[]sim.Call
}

func config(c clock.Clock, transport http.RoundTripper) provider.Config {
	return provider.Config{
		Endpoints: provider.Endpoints{
			Supabase:         "https://api.supabase.test",
			SupabaseProject:  "https://{ref}.supabase.test",
			SupabaseDatabase: "postgres://{user}@{host}:5432/postgres?sslmode=verify-full",
		},
		Clock:     c,
		Transport: transport,
		Settings:  provider.Settings{SupabaseOrganization: organization},
		Credential: func(context.Context, string) (provider.Secret, error) {
			return provider.NewSecret(token), nil
		},
	}
}

func newWorld(t *testing.T, s simulator.Settings, rules ...sim.Rule) *world {
	t.Helper()
	w := &world{clock: clock.System(), calls: new([]sim.Call)}
	s.Token, s.Organization = token, organization
	w.sim = simulator.New(sim.Options{Clock: w.clock, Seed: 7}, s)
	w.link = &sim.Link{Clock: w.clock, Script: sim.NewScript(rules...), Observe: func(_ context.Context, c sim.Call) {
		*w.calls = append(*w.calls, c)
	}}
	for _, base := range []string{"https://api.supabase.test", "https://*.supabase.test"} {
		if err := w.link.Add(base, w.sim, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(w.link.Drain)
	w.Client = supabase.New(config(w.clock, w.link))
	return w
}

// attempt is a context in which changes may be sent.
func attempt(t *testing.T) context.Context { return provider.WithAttempt(t.Context()) }

func (w *world) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func (w *world) create(t *testing.T, name string) supabase.Project {
	t.Helper()
	p, err := w.CreateProject(attempt(t), newProject(name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newProject(name string) supabase.NewProject {
	return supabase.NewProject{Name: name, Region: "eu-central-1", DatabasePassword: provider.NewSecret("database-password")}
}

// ready gives a project whose services are all up, and its keys.
func (w *world) ready(t *testing.T, name string) (supabase.Project, supabase.Keys) {
	t.Helper()
	p := w.create(t, name)
	w.sleep(t, 10*time.Minute)
	keys, err := w.APIKeys(t.Context(), p.Ref)
	if err != nil {
		t.Fatal(err)
	}
	return p, keys
}

// stub answers every request in the same way and counts them.
type stub struct {
	status int
	header http.Header
	body   string
	sent   []*http.Request
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent = append(s.sent, r)
	w := &http.Response{
		StatusCode: s.status, Status: http.StatusText(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header.Clone(), Body: readCloser{strings.NewReader(s.body)}, ContentLength: -1, Request: r,
	}
	if w.Header == nil {
		w.Header = http.Header{}
	}
	return w, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// operation is one method of the client, called with good arguments.
type operation struct {
	name   string
	change bool
	call   func(ctx context.Context, c *supabase.Client, ref string, k supabase.Keys) error
}

func operations() []operation {
	type ctx = context.Context
	type client = *supabase.Client
	type keys = supabase.Keys
	return []operation{
		{"ListProjects", false, func(x ctx, c client, _ string, _ keys) error { _, err := c.FindProjects(x, "one"); return err }},
		{"GetOrganization", false, func(x ctx, c client, _ string, _ keys) error { _, err := c.Organization(x); return err }},
		{"CreateProject", true, func(x ctx, c client, _ string, _ keys) error {
			_, err := c.CreateProject(x, newProject("two"))
			return err
		}},
		{"GetProject", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.Project(x, ref); return err }},
		{"GetHealth", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.Health(x, ref); return err }},
		{"ListAPIKeys", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.APIKeys(x, ref); return err }},
		{"GetLegacyKeys", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.LegacyKeysEnabled(x, ref); return err }},
		{"UpdateLegacyKeys", true, func(x ctx, c client, ref string, _ keys) error { return c.SetLegacyKeys(x, ref, true) }},
		{"GetPooler", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.Pooler(x, ref); return err }},
		{"UpdateDatabasePassword", true, func(x ctx, c client, ref string, _ keys) error {
			return c.SetDatabasePassword(x, ref, provider.NewSecret("another-password"))
		}},
		{"GetAuthConfig", false, func(x ctx, c client, ref string, _ keys) error { _, err := c.AuthConfig(x, ref); return err }},
		{"UpdateAuthConfig", true, func(x ctx, c client, ref string, _ keys) error {
			return c.UpdateAuth(x, ref, supabase.AuthSettings{SiteURL: "https://one.gimbal.test"})
		}},
		{"CreateUser", true, func(x ctx, c client, ref string, k keys) error {
			_, err := c.CreateUser(x, ref, k.Service, supabase.NewUser{ID: adminID, Email: adminMail})
			return err
		}},
		{"GetUser", false, func(x ctx, c client, ref string, k keys) error {
			_, _, err := c.User(x, ref, k.Service, adminID)
			return err
		}},
		{"GenerateLink", true, func(x ctx, c client, ref string, k keys) error {
			_, err := c.GenerateLink(x, ref, k.Service, "invite", adminMail, "")
			return err
		}},
		{"AuthHealth", false, func(x ctx, c client, ref string, k keys) error { return c.AuthHealth(x, ref, k.Anonymous) }},
		{"RestHealth", false, func(x ctx, c client, ref string, k keys) error { return c.RestHealth(x, ref, k.Anonymous) }},
		{"DeleteProject", true, func(x ctx, c client, ref string, _ keys) error { return c.DeleteProject(x, ref) }},
	}
}
