package fleet

import (
	"slices"
	"time"
)

// WholeFleet is the scope of a freeze under which nothing new starts at all. Every other scope is a vendor's name, or Terminations.
const WholeFleet = "fleet"

// Terminations is the scope of a freeze under which no instance's end goes on to what can't be undone.
const Terminations = "terminations"

// Scopes lists what can be frozen.
func Scopes() []string { return append([]string{WholeFleet, Terminations}, Vendors()...) }

// Vendors lists the vendors, by the names that freezes, clients and the log use. A provisioning needs all of them.
func Vendors() []string { return []string{"supabase", "vercel", "cloudflare", "twilio", "sendgrid"} }

// Freeze keeps new work from starting, fleet-wide or where a vendor is needed. Work that runs goes on to its end, but for
// deletions that end an instance's life and can't be undone: those a freeze of terminations, or of the fleet, keeps from being sent.
type Freeze struct {
	Scope  string    `json:"scope"` // WholeFleet, Terminations, or a vendor: "supabase"
	Reason string    `json:"reason"`
	By     string    `json:"by"` // as in the audit: "operator:…"
	Since  time.Time `json:"since"`
}

// Frozen is the freeze that keeps work from starting which needs these vendors, nil if there is none. A freeze of the whole
// fleet goes first.
func Frozen(freezes []Freeze, needs ...string) *Freeze {
	for _, scope := range append([]string{WholeFleet}, needs...) {
		if i := slices.IndexFunc(freezes, func(f Freeze) bool { return f.Scope == scope }); i >= 0 {
			return &freezes[i]
		}
	}
	return nil
}

// What is what the freeze holds back, for people: "the fleet is frozen", "supabase is frozen".
func (f Freeze) What() string {
	switch f.Scope {
	case WholeFleet:
		return "the fleet is frozen"
	case Terminations:
		return "terminations are frozen"
	}
	return f.Scope + " is frozen"
}

// FleetID stands in place of an instance's id for what concerns the whole fleet: its audit chain, its incidents.
const FleetID = "fleet"
