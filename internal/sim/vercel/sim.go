// Package vercel simulates the part of the Vercel API that Fleet uses, for one team: projects with their environment
// variables and domains, uploaded files, and deployments that take their time to become live. Certificates are issued
// some seconds after a domain's DNS leads here.
//
// It has its own wire types, written from Vercel's OpenAPI document and command line, not from Fleet's client.
package vercel

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
)

// Resolver is the public DNS as Vercel sees it.
type Resolver interface {
	// LookupCNAME gives what host is an alias of. A proxied host leads to the proxy's own addresses instead.
	LookupCNAME(host string) (target string, proxied bool, ok bool)
}

// Span is a range of durations, both ends included.
type Span struct{ Min, Max time.Duration }

// Fate is how a deployment ends.
type Fate string

const (
	// Live: built, and the domains lead to it.
	Live Fate = ""
	// BuildFails: readyState ERROR.
	BuildFails Fate = "build fails"
	// AliasFails: READY, but the domains never lead to it.
	AliasFails Fate = "alias fails"
)

// Config is what a simulator stands for. The zero value of each optional field is a realistic default.
type Config struct {
	Token string // the bearer token it accepts
	Team  string // the team it belongs to, team_…
	// Role is what the token's owner is in the team; "OWNER".
	Role string
	// Resolver answers for domains' DNS. Nil: no name resolves.
	Resolver Resolver
	// Serial grows with each change of what the Resolver answers. Nil: that may have changed at any time.
	Serial func() int64
	// Deploy is how long a deployment takes to be live; 20 to 90 s.
	Deploy Span
	// Certificate is how long one takes from when the DNS is right; 5 to 60 s.
	Certificate Span
	// Limit is how many calls a minute are answered, with X-RateLimit headers. 0: no limit and no headers.
	Limit int
	// Fate decides how a project's new deployments end. Nil: all become live.
	Fate func(project string) Fate
}

// Sim is a simulated Vercel. It is safe for concurrent use.
type Sim struct {
	options sim.Options
	config  Config
	router  sim.Router

	mu    sync.Mutex // never held while sleeping or asking the resolver
	state state
	// seen is the Serial by which all that wait for their certificates were looked at; 0 where one has come since.
	seen int64
}

// New makes an empty simulator.
func New(o sim.Options, c Config) *Sim {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if c.Deploy == (Span{}) {
		c.Deploy = Span{20 * time.Second, 90 * time.Second}
	}
	if c.Certificate == (Span{}) {
		c.Certificate = Span{5 * time.Second, 60 * time.Second}
	}
	c.Role = cmp.Or(c.Role, "OWNER")
	s := &Sim{options: o, config: c, state: newState()}
	for _, route := range []struct {
		pattern, operation string
		handle             handler
	}{
		{"GET /v2/teams/{team}", "GetTeam", s.getTeam},
		{"GET /v10/projects", "GetProjects", s.listProjects},
		{"POST /v11/projects", "CreateProject", s.createProject},
		{"GET /v9/projects/{project}", "GetProject", s.getProject},
		{"DELETE /v9/projects/{project}", "DeleteProject", s.deleteProject},
		{"POST /v1/projects/{project}/pause", "PauseProject", s.pauseProject},
		{"POST /v1/projects/{project}/unpause", "UnpauseProject", s.unpauseProject},
		{"POST /v10/projects/{project}/env", "CreateProjectEnv", s.createEnvironment},
		{"GET /v10/projects/{project}/env", "FilterProjectEnvs", s.listEnvironment},
		{"POST /v10/projects/{project}/domains", "AddProjectDomain", s.addDomain},
		{"GET /v9/projects/{project}/domains", "GetProjectDomains", s.listDomains},
		{"GET /v9/projects/{project}/domains/{domain}", "GetProjectDomain", s.getDomain},
		{"DELETE /v9/projects/{project}/domains/{domain}", "RemoveProjectDomain", s.removeDomain},
		{"GET /v6/domains/{domain}/config", "GetDomainConfig", s.domainConfig},
		{"POST /v2/files", "UploadFile", s.uploadFile},
		{"POST /v13/deployments", "CreateDeployment", s.createDeployment},
		{"GET /v13/deployments/{deployment}", "GetDeployment", s.getDeployment},
		{"DELETE /v13/deployments/{deployment}", "DeleteDeployment", s.deleteDeployment},
		{"GET /v7/deployments", "GetDeployments", s.listDeployments},
	} {
		s.router.Handle(route.pattern, route.operation, s.serve(route.operation, route.handle))
	}
	return s
}

// Name is "vercel".
func (s *Sim) Name() string { return "vercel" }

// Operation names what a request calls, in the spelling of Vercel's operation ids with a capital.
func (s *Sim) Operation(r *http.Request) string { return s.router.Operation(r) }

// Operations names every call that there is, unsorted; a name may come twice.
func (s *Sim) Operations() []string { return s.router.Operations() }

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Operation(r) == "" {
		notFound("no such path").write(w)
		return
	}
	s.router.ServeHTTP(w, r)
}

// handler answers a call. It runs with the mutex held and must not wait.
type handler func(r *http.Request, body []byte) answer

// serve makes an http.HandlerFunc of a handler: it reads the body, takes its time, checks who is asking, and looks
// after the certificates before and after.
func (s *Sim) serve(operation string, handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, refusal := readBody(r)
		// A request that arrived takes effect whether its caller waits or not.
		_ = s.options.Clock.Sleep(context.WithoutCancel(r.Context()), s.answerTime(operation, r.URL.Path)) // cannot be cancelled
		s.CheckDNS()
		s.limited(w, func() answer {
			switch {
			case refusal != nil:
				return *refusal
			case r.Header.Get("Authorization") != "Bearer "+s.config.Token:
				return failure(http.StatusForbidden, "forbidden", "Not authorized", map[string]any{"invalidToken": true})
			case cmp.Or(r.PathValue("team"), r.URL.Query().Get("teamId")) != s.config.Team:
				return notFound("not found in this scope")
			}
			return handle(r, body)
		}).write(w)
		s.CheckDNS()
	}
}

// answerTime is between half of Options.Answer and all of it.
func (s *Sim) answerTime(operation, path string) time.Duration {
	if s.options.Answer <= 0 {
		return 0
	}
	return s.span(Span{s.options.Answer / 2, s.options.Answer}, "answer", operation+" "+path)
}

// Fail answers with Vercel's error document, as its gateway does.
func (s *Sim) Fail(w http.ResponseWriter, status int, retryAfter time.Duration) {
	gateway(status, retryAfter).write(w)
}

// Save gives the whole state as JSON.
func (s *Sim) Save() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Load replaces the whole state by one that Save gave.
func (s *Sim) Load(saved []byte) error {
	loaded := newState()
	if err := json.Unmarshal(saved, &loaded); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.seen = loaded, 0
	return nil
}
