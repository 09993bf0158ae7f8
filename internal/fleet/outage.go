package fleet

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Outage is what is known of whether a vendor answers: any calls, or those that change something. There is one of each, as a vendor
// may fail to write while it goes on reading.
type Outage struct {
	Vendor string `json:"vendor"`
	Writes bool   `json:"writes,omitempty"`
	// Refused: it is down for Fleet because it refuses Fleet's own credential.
	Refused bool `json:"refused,omitempty"`
	// Failed has, by whom it was for, when a call failed since the last one that was answered: an instance, or an invocation that is
	// no instance's.
	Failed map[string]time.Time `json:"failed,omitempty"`
	// Since is when the vendor was found to be down; zero while it isn't. Until is when it was back, the last time.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Passed counts the probes that were answered in a row while it is down, the last one at ProbedAt. Needed is how many it takes.
	// What tells that writes are answered again is one that is let through to see that, the last one at TriedAt.
	Passed   int       `json:"passed,omitempty"`
	Needed   int       `json:"needed,omitempty"`
	ProbedAt time.Time `json:"probed_at,omitzero"`
	TriedAt  time.Time `json:"tried_at,omitzero"`
}

const (
	// downAt is for how many different ones calls have to fail, within outageWindow and without an answer in between, for a vendor
	// to be down: one instance's own trouble isn't the vendor's. No probe ever writes, and no more than a few provisionings run, so
	// two of them tell.
	downAt       = 3
	writesDownAt = 2
	outageWindow = 5 * time.Minute
	// probesNeeded is how many probes in a row a vendor has to answer to be back. One that was down less than flapping ago has to
	// answer twice as many as the last time, mostNeeded at most, so that it doesn't come and go.
	probesNeeded = 2
	mostNeeded   = 16
	flapping     = 30 * time.Minute
	// probeEvery is the least between two probes that count: one made twice at once counts once.
	probeEvery = 30 * time.Second
	// TryEvery is how often a write is let through while writes are down. untried is how long none was until it is clear that
	// nobody is left who waits to: then what is held back goes on, and tries.
	TryEvery = time.Minute
	untried  = 30 * time.Minute
)

// Down reports whether the vendor is down.
func (o Outage) Down() bool { return !o.Since.IsZero() }

// Holds reports whether what needs the vendor is held back: it is down, unless somebody has to try whether it writes again.
func (o Outage) Holds(now time.Time) bool {
	return o.Down() && (!o.Writes || now.Sub(o.TriedAt) < untried)
}

// Try lets a write through to see whether it is answered, unless another one was so shortly ago.
func (o *Outage) Try(every time.Duration, now time.Time) bool {
	if !o.Down() || now.Sub(o.TriedAt) < every {
		return false
	}
	o.TriedAt = now
	return true
}

// During reports whether the vendor was down at some time since then.
func (o Outage) During(since time.Time) bool { return o.Down() || o.Until.After(since) }

// Doubted reports whether it is down, or calls have failed since the last answer.
func (o Outage) Doubted() bool { return o.Down() || len(o.Failed) > 0 }

// Answered notes that the vendor answered a call. It reports whether that changes anything: of a vendor that is down only probes
// and tries tell that it is back.
func (o *Outage) Answered() bool {
	if o.Down() || len(o.Failed) == 0 {
		return false
	}
	o.Failed = nil
	return true
}

// Unanswered notes that a call for somebody failed in a way that is the vendor's doing, or was refused for Fleet's own credential. It
// reports whether the vendor is down by it.
func (o *Outage) Unanswered(by string, refused bool, now time.Time) (down bool) {
	if o.Down() {
		return false
	}
	if o.Failed == nil {
		o.Failed = map[string]time.Time{}
	}
	maps.DeleteFunc(o.Failed, func(_ string, at time.Time) bool { return now.Sub(at) > outageWindow })
	o.Failed[by] = now
	needed := downAt
	if o.Writes {
		needed = writesDownAt
	}
	if len(o.Failed) < needed {
		return false
	}
	if now.Sub(o.Until) < flapping {
		o.Needed = min(2*o.Needed, mostNeeded)
	} else {
		o.Needed = probesNeeded
	}
	o.Since, o.Failed, o.Passed, o.Refused, o.TriedAt = now, nil, 0, refused, now
	return true
}

// Probed notes a probe of a vendor that is down, or the write that was let through. It reports whether the vendor is back by it.
func (o *Outage) Probed(answered bool, now time.Time) (back bool) {
	switch {
	case !o.Down(), answered && now.Sub(o.ProbedAt) < probeEvery:
		return false
	case !answered:
		o.Passed, o.ProbedAt = 0, now
		return false
	}
	o.ProbedAt = now
	if o.Passed++; o.Passed < o.Needed {
		return false
	}
	o.Since, o.Until, o.Passed, o.Refused = time.Time{}, now, 0, false
	return true
}

// VendorDown is the first of these vendors that is down, nil if none is.
func VendorDown(outages []Outage, needs ...string) *Outage {
	for _, vendor := range needs {
		if i := slices.IndexFunc(outages, func(o Outage) bool { return o.Vendor == vendor && o.Down() }); i >= 0 {
			return &outages[i]
		}
	}
	return nil
}

// Holding are those of the outages that hold back what needs their vendors.
func Holding(outages []Outage, now time.Time) []Outage {
	return slices.DeleteFunc(slices.Clone(outages), func(o Outage) bool { return !o.Holds(now) })
}

// Vendor is the vendor at which resources of the kind are.
func (k Kind) Vendor() string {
	if outer, inside := Inside()[k]; inside {
		return outer.Vendor()
	}
	if k == DNSRecord {
		return "cloudflare"
	}
	vendor, _, _ := strings.Cut(string(k), "_")
	return vendor
}
