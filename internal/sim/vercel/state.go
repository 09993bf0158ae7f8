package vercel

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// state is everything the simulator holds, as Save writes it.
type state struct {
	Projects    map[string]*project    `json:"projects"`    // by id
	Deployments map[string]*deployment `json:"deployments"` // by id
	Domains     map[string]*domain     `json:"domains"`     // by host name, in lower case: one project at most has it
	Files       map[string][]byte      `json:"files"`       // by SHA-1
	Names       map[string]string      `json:"names"`       // project ids by project name
	Waiting     map[string]bool        `json:"waiting"`     // domains that may have no certificate yet
	Last        time.Time              `json:"last"`        // when the newest deployment was made
	Drawn       map[string]int         `json:"drawn"`       // how often chance was asked, by what for
	Window      time.Time              `json:"window"`      // the minute of the rate limit
	Calls       int                    `json:"calls"`       // in that minute
}

type project struct {
	ID          string               `json:"id"`
	Name        string               `json:"name"`
	Created     time.Time            `json:"created"`
	Visible     time.Time            `json:"visible"` // look-ups by name miss it before
	Environment map[string]*variable `json:"environment"`
	Paused      bool                 `json:"paused,omitempty"`
	Deployments []string             `json:"deployments"` // ids, the oldest first
}

type variable struct {
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Value   string    `json:"value"`
	Type    string    `json:"type"`
	Target  []string  `json:"target"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

type domain struct {
	Name    string    `json:"name"`
	Project string    `json:"project"` // id
	Created time.Time `json:"created"`
	Visible time.Time `json:"visible"`
	// CertificateAt is when its certificate is issued; zero until the DNS is right.
	CertificateAt time.Time `json:"certificate_at,omitzero"`
}

type deployment struct {
	ID          string            `json:"id"`
	Project     string            `json:"project"` // id
	Name        string            `json:"name"`
	Target      string            `json:"target"` // "production" or empty
	URL         string            `json:"url"`
	Meta        map[string]string `json:"meta"`
	Environment map[string]string `json:"environment"` // as it was at creation
	Files       map[string]string `json:"files"`       // SHA-1 by path
	Fate        Fate              `json:"fate"`
	Created     time.Time         `json:"created"`
	Visible     time.Time         `json:"visible"`
	ReadyAt     time.Time         `json:"ready_at"` // or failed
	LiveAt      time.Time         `json:"live_at"`  // the domains lead to it
}

func newState() state {
	return state{
		Projects: map[string]*project{}, Deployments: map[string]*deployment{}, Domains: map[string]*domain{},
		Files: map[string][]byte{}, Names: map[string]string{}, Waiting: map[string]bool{}, Drawn: map[string]int{},
	}
}

func (s *Sim) now() time.Time { return s.options.Clock.Now() }

// draw is chance: the same seed, kind, name and number of earlier draws for them give the same numbers, whatever else
// happens at the same time. The mutex is held.
func (s *Sim) draw(kind, name string) *rand.Rand {
	key := kind + " " + name
	n := s.state.Drawn[key]
	s.state.Drawn[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", s.options.Seed, n, key))
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
}

// span draws a duration. It takes the mutex.
func (s *Sim) span(of Span, kind, name string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return within(of, s.draw(kind, name))
}

func within(of Span, chance *rand.Rand) time.Duration {
	if of.Max <= of.Min {
		return of.Min
	}
	return of.Min + time.Duration(chance.Int64N(int64(of.Max-of.Min)+1))
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// id makes an id in Vercel's format: a prefix and 28 letters and digits, or 16 without a prefix.
func (s *Sim) id(prefix, name string) string {
	chance, length := s.draw("id "+prefix, name), 28
	if prefix == "" {
		length = 16
	}
	text := make([]byte, length)
	for i := range text {
		text[i] = letters[chance.IntN(len(letters))]
	}
	return prefix + string(text)
}

// project finds a project by id or, once look-ups show it, by name. The mutex is held.
func (s *Sim) project(idOrName string) (*project, bool) {
	if p, ok := s.state.Projects[idOrName]; ok {
		return p, true
	}
	p, ok := s.named(idOrName)
	if !ok || s.now().Before(p.Visible) {
		return nil, false
	}
	return p, true
}

// named finds a project by name, visible or not. The mutex is held.
func (s *Sim) named(name string) (*project, bool) {
	p, ok := s.state.Projects[s.state.Names[name]]
	return p, ok
}

// newest lists the deployments of a project, or of all if it is empty, the newest first. The mutex is held.
func (s *Sim) newest(project string) []*deployment {
	var list []*deployment
	if p, found := s.state.Projects[project]; found {
		for _, id := range slices.Backward(p.Deployments) {
			list = append(list, s.state.Deployments[id])
		}
		return list
	}
	if project != "" {
		return nil
	}
	for _, d := range s.state.Deployments {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *deployment) int { return b.Created.Compare(a.Created) })
	return list
}

// readyState is where a deployment is now.
func (d *deployment) readyState(now time.Time) string {
	started := d.Created.Add(d.ReadyAt.Sub(d.Created) / 10)
	switch {
	case now.Before(started):
		return "QUEUED"
	case now.Before(d.ReadyAt):
		return "BUILDING"
	case d.Fate == BuildFails:
		return "ERROR"
	}
	return "READY"
}

func (d *deployment) live(now time.Time) bool { return d.Fate == Live && !now.Before(d.LiveAt) }

// Timeline tells when a deployment was made and when the domains lead to it; false for one that isn't there.
func (s *Sim) Timeline(deployment string) (made, live time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.state.Deployments[deployment]
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	return d.Created, d.LiveAt, true
}

// Inventory lists projects, with the status "paused" or none, domains and deployments. A deployment's name is its meta's operationId.
func (s *Sim) Inventory() []sim.Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var held []sim.Held
	for _, p := range s.state.Projects {
		mark := ""
		if v, ok := p.Environment["FLEET_INSTANCE_ID"]; ok {
			mark = v.Value
		}
		status := ""
		if p.Paused {
			status = "paused"
		}
		held = append(held, sim.Held{Kind: "vercel_project", Name: p.Name, ID: p.ID, Mark: mark, Status: status})
	}
	for _, d := range s.state.Domains {
		status := "without certificate"
		if d.certified(now) {
			status = "with certificate"
		}
		held = append(held, sim.Held{Kind: "vercel_domain", Name: d.Name, ID: d.Project + ":" + d.Name, Status: status})
	}
	for _, d := range s.state.Deployments {
		status := d.readyState(now)
		if d.live(now) {
			status = "live"
		}
		held = append(held, sim.Held{Kind: "vercel_deployment", Name: d.Meta["operationId"], ID: d.ID, Status: status})
	}
	return sim.Sorted(held)
}
