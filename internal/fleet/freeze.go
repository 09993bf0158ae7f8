package fleet

import "time"

// WholeFleet is the scope of a freeze under which nothing new starts at all. Every other scope is a vendor's name.
const WholeFleet = "fleet"

// Freeze keeps new work from starting, fleet-wide or where a vendor is needed. Work that runs goes on to its end.
type Freeze struct {
	Scope  string    `json:"scope"` // WholeFleet, or a vendor: "supabase"
	Reason string    `json:"reason"`
	By     string    `json:"by"` // as in the audit: "operator:…"
	Since  time.Time `json:"since"`
}

// FleetID stands in place of an instance's id for what concerns the whole fleet: its audit chain, its incidents.
const FleetID = "fleet"
