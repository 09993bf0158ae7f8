package supabase

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// state is the whole account; it is kept under the simulator's mutex.
type state struct {
	Projects map[string]*project `json:"projects"` // by reference
	// Made counts creations by name, so that ids depend on the seed and the name, not on who was first.
	Made map[string]int `json:"made"`
}

func newState() state { return state{Projects: map[string]*project{}, Made: map[string]int{}} }

// project is one project in time: its status follows from these instants.
type project struct {
	Ref    string `json:"ref"`
	Number int    `json:"number"` // the integer id that only a few answers give
	Name   string `json:"name"`
	Region string `json:"region"`

	Created  time.Time            `json:"created"`
	Visible  time.Time            `json:"visible"`  // in lists from then on
	Known    time.Time            `json:"known"`    // UNKNOWN until then
	Ready    time.Time            `json:"ready"`    // COMING_UP until then
	Services map[string]time.Time `json:"services"` // healthy from then on
	Built    bool                 `json:"built"`    // its database exists
	Deleting bool                 `json:"deleting"` // a deletion is at work
	Deleted  time.Time            `json:"deleted"`  // zero while it lives
	Gone     time.Time            `json:"gone"`     // GOING_DOWN until then
	Hidden   time.Time            `json:"hidden"`   // in lists until then
	Forced   string               `json:"forced,omitempty"`

	Keys   keys           `json:"keys"`
	Pooler string         `json:"pooler"` // host, unless the databases have one of their own
	Auth   map[string]any `json:"auth"`   // settings that differ from the default
	// Secrets are the Edge Functions' environment, by name.
	Secrets map[string]string `json:"secrets,omitempty"`
	Users   []*user           `json:"users"`
	Links   int               `json:"links"` // links made so far
	// Sessions are users' ids by refresh token.
	Sessions map[string]string `json:"sessions,omitempty"`
	Signed   int               `json:"signed,omitempty"` // sessions made so far
	Buckets  []*bucket         `json:"buckets"`
	// Uploads are those under way, by the name that Storage gave them.
	Uploads map[string]*upload `json:"uploads,omitempty"`
	Begun   int                `json:"begun,omitempty"` // uploads begun so far
}

func (p *project) gone(now time.Time) bool { return !p.Deleted.IsZero() && !now.Before(p.Gone) }

func (p *project) listed(now time.Time) bool {
	return !now.Before(p.Visible) && (p.Deleted.IsZero() || now.Before(p.Hidden))
}

func (p *project) status(now time.Time) string {
	switch {
	case !p.Deleted.IsZero():
		return "GOING_DOWN"
	case p.Forced != "":
		return p.Forced
	case now.Before(p.Known):
		return "UNKNOWN"
	case !p.Built || now.Before(p.Ready):
		return "COMING_UP"
	}
	return "ACTIVE_HEALTHY"
}

// healthy reports whether a service works.
func (p *project) healthy(service string, now time.Time) bool {
	return p.status(now) == "ACTIVE_HEALTHY" && !now.Before(p.Services[service])
}

// Timeline tells when a project was made, and when it and each of its services are up; false for one that isn't there.
func (s *Sim) Timeline(ref string) (made, up time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return time.Time{}, time.Time{}, false
	}
	up = p.Ready
	for _, at := range p.Services {
		up = latest(up, at)
	}
	return p.Created, up, true
}

// find gives a project that isn't gone, or nil. The mutex is held.
func (s *Sim) find(ref string) *project {
	p := s.state.Projects[ref]
	if p == nil || p.gone(s.options.Clock.Now()) {
		return nil
	}
	return p
}

// random is a source that depends on the seed and the given words only.
func (s *Sim) random(words ...string) *rand.Rand {
	h := fnv.New64a()
	for _, w := range words {
		// Writing to a hash never fails.
		_, _ = h.Write([]byte(w + "\x00"))
	}
	return rand.New(rand.NewPCG(s.options.Seed, h.Sum64()))
}

// between is a duration of at least low and at most high.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}

func letters(r *rand.Rand, n int, alphabet string) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

const (
	lower        = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
	hexadecimal  = "0123456789abcdef"
	alphanumeric = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
)

// newUUID is a version 4 UUID.
func newUUID(r *rand.Rand) string {
	h := letters(r, 32, hexadecimal)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// stamp is an instant as the vendor writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }
