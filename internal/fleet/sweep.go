package fleet

import (
	"slices"
	"time"
)

// SweepEvery is how often what a vendor has is compared with the ledgers; SweepLate is when a comparison that should have ended hasn't.
const (
	SweepEvery = 24 * time.Hour
	SweepLate  = 3 * SweepEvery
)

// MayBeOrphaned reports whether the vendors' lists of Fleet's things show those of a kind.
func MayBeOrphaned(k Kind) bool { return slices.Contains(Swept(k.Vendor()), k) }

// Swept lists the kinds of what a vendor's list of Fleet's things shows.
func Swept(vendor string) (kinds []Kind) {
	for _, k := range []Kind{SupabaseProject, VercelProject, VercelDomain, DNSRecord, CloudflareRule, TwilioSubaccount, SendGridSubuser, SendGridDomain} {
		if k.Vendor() == vendor {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Sweep is how far the comparison of what a vendor has with the ledgers is. First the vendor's list is read, then the ledgers are.
type Sweep struct {
	Vendor string `json:"vendor"`
	// FirstAt is when it was first begun, ever; BegunAt is when the round under way was, zero between two rounds; EndedAt is when one
	// came to its end, the last time.
	FirstAt time.Time `json:"first_at"`
	BegunAt time.Time `json:"begun_at,omitzero"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Pages counts the pages of the vendor's list that were read. Listed: the last one was, and the ledgers of instances in State are
	// being read. Cursor is where either goes on.
	Pages  int    `json:"pages,omitempty"`
	Listed bool   `json:"listed,omitempty"`
	State  State  `json:"state,omitempty"`
	Cursor string `json:"cursor,omitempty"`
	// Stand are the causes of the incidents that this round found to stand, or couldn't judge.
	Stand []string `json:"stand,omitempty"`
	// More tells of which kinds of incidents there are more than are opened.
	More []IncidentKind `json:"more,omitempty"`
}

// Due reports whether a round is under way, or to be begun.
func (s Sweep) Due(now time.Time) bool {
	return !s.BegunAt.IsZero() || !now.Before(s.EndedAt.Add(SweepEvery))
}

// Begun is the sweep with a round that begins now. One that is under way goes on, unless it is so old that its list tells nothing any
// more.
func (s Sweep) Begun(now time.Time) Sweep {
	if !s.BegunAt.IsZero() && now.Sub(s.BegunAt) < SweepEvery {
		return s
	}
	begun := Sweep{Vendor: s.Vendor, FirstAt: s.FirstAt, BegunAt: now, EndedAt: s.EndedAt}
	if begun.FirstAt.IsZero() {
		begun.FirstAt = now
	}
	return begun
}

// SweptStates are the states of the instances whose ledgers are read. What is TERMINATED has nothing, or its operation goes on.
func SweptStates() []State { return []State{Provisioning, Active, Maintenance, Suspended} }
