// Package sim holds what the five vendor simulators share: a router that knows its operations by name, faults that are
// scripted by call, realistic latencies, and the link by which clients reach a simulator in-process or over HTTP.
//
// A simulator is one http.Handler with its own wire types, written from the vendor's documents and not from Fleet's
// clients, so that a misunderstanding shows.
package sim

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Vendor is one simulated API.
type Vendor interface {
	http.Handler
	// Name is the vendor's, in lower case: "supabase".
	Name() string
	// Operation names what a request calls, such as "CreateProject"; empty if there is no such route.
	Operation(r *http.Request) string
	// Fail answers with the vendor's own error document for a status, as its gateway would: 429, 500. retryAfter is 0
	// for none.
	Fail(w http.ResponseWriter, status int, retryAfter time.Duration)
	// Inventory lists every resource the vendor holds now, whether lists show it yet or not, sorted by kind and name.
	Inventory() []Held
	// Save and Load keep the vendor's state over a restart, as JSON.
	Save() ([]byte, error)
	Load(state []byte) error
}

// Held is a resource that a simulator really holds.
type Held struct {
	Kind string `json:"kind"` // the ledger's spelling: "supabase_project", "dns_record" …
	Name string `json:"name"` // the name by which Fleet knows it: project name, FQDN, friendly name …
	ID   string `json:"id"`   // the vendor's id
	// Mark is the ownership mark it carries, such as a record's comment; empty where the name is the mark.
	Mark   string `json:"mark,omitempty"`
	Status string `json:"status,omitempty"`
}

// Sorted sorts what is held by kind, name and id, and gives it.
func Sorted(held []Held) []Held {
	slices.SortFunc(held, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return held
}

// Options configure a simulator.
type Options struct {
	Clock clock.Clock
	// Seed decides ids, secrets and latencies: the same seed and calls give the same answers.
	Seed uint64
	// Lag is how long a new resource stays out of lists and look-ups by name, by default. A request's VisibleAfter
	// header overrides it.
	Lag time.Duration
	// Answer is how long an ordinary call takes, at most; each takes between half of it and all of it. 0: no time.
	Answer time.Duration
}

// VisibleAfter is a header that the link sets to script a late appearance: a duration such as "30s".
const VisibleAfter = "Sim-Visible-After"

// VisibleAt is when what r creates shows in lists.
func (o Options) VisibleAt(r *http.Request) time.Time {
	lag := o.Lag
	if d, err := time.ParseDuration(r.Header.Get(VisibleAfter)); err == nil {
		lag = d
	}
	return o.Clock.Now().Add(lag)
}
