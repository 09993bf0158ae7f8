// Package supabase simulates Supabase: the Management API, and each project's Auth API with the least of its REST and
// Storage APIs. A project comes up, is healthy and goes down in time, as the vendor's do.
//
// A request is a project's if its host begins with the project's reference (<ref>.supabase.test) or its path with
// /project/<ref>; everything else is the Management API's.
package supabase

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// Settings configure the simulated account.
type Settings struct {
	// Token is the access token that the Management API takes.
	Token string
	// Organization is the slug of the only organisation, Plan its plan; by default "pro".
	Organization, Plan string
	// ReadyMin and ReadyMax bound how long a project takes to come up; by default 8 s and 120 s.
	ReadyMin, ReadyMax time.Duration
	// Healthy is by how much a service may lag behind its project, at most; by default 5 s. Negative: not at all.
	Healthy time.Duration
	// Going is how long a deleted project is GOING_DOWN, at most; by default 8 s. Negative: not at all.
	Going time.Duration
	// Allowance is how many projects the organisation may have; 0 means any number.
	Allowance int
	// PerMinute is how many Management API calls a minute are answered; 0 means all of them, while the headers tell
	// of the usual 120.
	PerMinute int
	// Databases are what stands behind the projects; NoDatabases if nil.
	Databases Databases
}

// Sim is the simulator. Make it with New.
type Sim struct {
	options  sim.Options
	settings Settings
	router   sim.Router

	mu       sync.Mutex
	state    state
	answered map[string]uint64 // calls by operation, for latencies
	window   window
}

var _ sim.Vendor = (*Sim)(nil)

// New makes an account without projects.
func New(o sim.Options, s Settings) *Sim {
	s.ReadyMin = byDefault(s.ReadyMin, 8*time.Second)
	s.ReadyMax = max(byDefault(s.ReadyMax, 120*time.Second), s.ReadyMin)
	s.Healthy = max(byDefault(s.Healthy, 5*time.Second), 0)
	s.Going = max(byDefault(s.Going, 8*time.Second), 0)
	s.Plan = cmp.Or(s.Plan, "pro")
	if s.Databases == nil {
		s.Databases = NoDatabases{}
	}
	v := &Sim{options: o, settings: s, state: newState(), answered: map[string]uint64{}}
	v.routes()
	return v
}

func byDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (s *Sim) routes() {
	s.managed("GET /v1/organizations/{slug}", "GetOrganization", s.getOrganization)
	s.managed("GET /v1/organizations/{slug}/projects", "ListProjects", s.listProjects)
	s.managed("POST /v1/projects", "CreateProject", s.createProject)
	s.managed("GET /v1/projects/{ref}", "GetProject", s.one(s.getProject))
	s.managed("DELETE /v1/projects/{ref}", "DeleteProject", s.deleteProject)
	s.managed("GET /v1/projects/{ref}/health", "GetHealth", s.one(getHealth))
	s.managed("GET /v1/projects/{ref}/api-keys", "ListAPIKeys", s.one(listAPIKeys))
	s.managed("GET /v1/projects/{ref}/api-keys/legacy", "GetLegacyKeys", s.one(getLegacyKeys))
	s.managed("PUT /v1/projects/{ref}/api-keys/legacy", "UpdateLegacyKeys", s.one(updateLegacyKeys))
	s.managed("GET /v1/projects/{ref}/config/auth", "GetAuthConfig", s.one(getAuthConfig))
	s.managed("PATCH /v1/projects/{ref}/config/auth", "UpdateAuthConfig", s.one(updateAuthConfig))
	s.managed("POST /v1/projects/{ref}/secrets", "CreateSecrets", s.one(createSecrets))
	s.managed("GET /v1/projects/{ref}/config/database/pooler", "GetPooler", s.one(s.getPooler))
	s.managed("PATCH /v1/projects/{ref}/database/password", "UpdateDatabasePassword", s.updateDatabasePassword)

	s.served("GET /project/{ref}/auth/v1/health", "AuthHealth", "auth", authHealth)
	s.served("GET /project/{ref}/rest/v1/{$}", "RestHealth", "rest", restRoot)
	s.served("POST /project/{ref}/auth/v1/admin/users", "CreateUser", "auth", s.admin(s.createUser))
	s.served("GET /project/{ref}/auth/v1/admin/users", "ListUsers", "auth", s.admin(s.listUsers))
	s.served("GET /project/{ref}/auth/v1/admin/users/{id}", "GetUser", "auth", s.admin(s.getUser))
	s.served("POST /project/{ref}/auth/v1/admin/generate_link", "GenerateLink", "auth", s.admin(s.generateLink))
	s.served("POST /project/{ref}/auth/v1/signup", "SignUp", "auth", s.signUp)
	s.served("POST /project/{ref}/auth/v1/token", "Token", "auth", s.issueToken)
	s.served("POST /project/{ref}/storage/v1/bucket", "CreateBucket", "storage", s.createBucket)
	s.served("GET /project/{ref}/storage/v1/bucket", "ListBuckets", "storage", s.listBuckets)
	s.served("GET /project/{ref}/storage/v1/bucket/{id}", "GetBucket", "storage", s.getBucket)
	s.served("PUT /project/{ref}/storage/v1/bucket/{id}", "UpdateBucket", "storage", s.updateBucket)
	s.served("POST /project/{ref}/storage/v1/object/{bucket}/{path...}", "UploadObject", "storage", s.uploadObject)
	s.served("POST /project/{ref}/storage/v1/object/list-v2/{bucket}", "ListObjects", "storage", s.listObjects)
	s.files("GET /project/{ref}/storage/v1/object/authenticated/{bucket}/{path...}", "GetObject", s.getObject)
	s.files("POST /project/{ref}/storage/v1/upload/resumable", "BeginUpload", s.beginUpload)
	s.files("PATCH /project/{ref}/storage/v1/upload/resumable/{upload}", "AppendUpload", s.appendUpload)
	s.public("GET /project/{ref}/storage/v1/object/public/{bucket}/{path...}", "GetPublicObject", "storage", s.publicObject)
}

// Name is "supabase".
func (s *Sim) Name() string { return "supabase" }

// Operation names what a request calls.
func (s *Sim) Operation(r *http.Request) string { return s.router.Operation(routed(r)) }

// Operations names every call that there is, unsorted; a name may come twice.
func (s *Sim) Operations() []string { return s.router.Operations() }

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = routed(r)
	if s.router.Operation(r) == "" {
		failed(http.StatusNotFound, fmt.Sprintf("Cannot %s %s", r.Method, r.URL.Path)).write(w)
		return
	}
	s.router.ServeHTTP(w, r)
}

// Fail answers as the gateway does. Without retryAfter it gives no hint how long to wait.
func (s *Sim) Fail(w http.ResponseWriter, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		seconds := strconv.Itoa(int((retryAfter + time.Second - 1) / time.Second))
		w.Header().Set("Retry-After", seconds)
		w.Header().Set("X-Ratelimit-Reset", seconds)
	}
	failed(status, message(status)).write(w)
}

// Inventory lists projects until they are gone, and their users. Users are named by their id: addresses are personal.
func (s *Sim) Inventory() []sim.Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	held := []sim.Held{}
	for _, p := range s.state.Projects {
		if p.gone(now) {
			continue
		}
		held = append(held, sim.Held{Kind: "supabase_project", Name: p.Name, ID: p.Ref, Status: p.status(now)})
		for _, u := range p.Users {
			held = append(held, sim.Held{Kind: "admin_user", Name: u.ID, ID: u.ID})
		}
	}
	return sim.Sorted(held)
}

// Save gives the account's state.
func (s *Sim) Save() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Load takes the account's state back. A project whose database was being made when the state was saved has failed; one
// that was being deleted can be deleted again.
func (s *Sim) Load(saved []byte) error {
	loaded := newState()
	if err := json.Unmarshal(saved, &loaded); err != nil {
		return fmt.Errorf("supabase simulator's state: %w", err)
	}
	for _, p := range loaded.Projects {
		p.Deleting = false
		if !p.Built {
			p.Built, p.Forced = true, "INIT_FAILED"
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = loaded
	return nil
}

// Force sets a project's status whatever its age, such as INIT_FAILED; "" gives its own back. False if there is no
// such project.
func (s *Sim) Force(ref, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return false
	}
	p.Forced = status
	return true
}
