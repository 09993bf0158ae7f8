package fleet

import (
	"slices"
	"time"
)

// WholeFleet is the scope of a freeze under which nothing new starts at all. Every other scope is a vendor's name.
const WholeFleet = "fleet"

// Vendors lists the vendors, by the names that freezes, clients and the log use. A provisioning needs all of them.
func Vendors() []string { return []string{"supabase", "vercel", "cloudflare", "twilio", "sendgrid"} }

// Freeze keeps new work from starting, fleet-wide or where a vendor is needed. Work that runs goes on to its end.
type Freeze struct {
	Scope  string    `json:"scope"` // WholeFleet, or a vendor: "supabase"
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
	if f.Scope == WholeFleet {
		return "the fleet is frozen"
	}
	return f.Scope + " is frozen"
}

// FleetID stands in place of an instance's id for what concerns the whole fleet: its audit chain, its incidents.
const FleetID = "fleet"
