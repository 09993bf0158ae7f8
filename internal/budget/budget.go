// Package budget shares each vendor's rate limit out among those who call it, so that sweeps and provisionings can't starve each
// other, and says how many provisionings the limits bear at once.
package budget

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// Class is what a call of a vendor is made for.
type Class string

const (
	// Provisioning: the steps of workflows, take-downs included.
	Provisioning Class = "provisioning"
	// Sweeps: functions on a schedule.
	Sweeps Class = "sweeps"
	// Operators: functions of the API.
	Operators Class = "operators"
)

// Classes lists every class.
func Classes() []Class { return []Class{Provisioning, Sweeps, Operators} }

// Budget is what Fleet allows itself at one vendor.
type Budget struct {
	// Limit is how many calls the vendor takes in Period, by its own word.
	Limit  int
	Period time.Duration
	// Reserve is what each class can count on, whatever the others do. What nobody has reserved is whoever's comes first.
	Reserve map[Class]int
	// Busiest is how many calls one provisioning makes within Span, at most. A test counts them.
	Busiest int
}

// Limits are the calls that a vendor has granted the account in its period, where they are more than it publishes.
type Limits map[string]int

// Of is the budget at a vendor; false where its limits aren't published as a number, and so none is kept: Vercel's are per endpoint,
// Twilio's go by concurrency, SendGrid's are per endpoint and unpublished. What a vendor grants beyond the published is shared out
// in the same proportions.
func (l Limits) Of(vendor string) (Budget, bool) {
	b, ok := published(vendor)
	if granted := l[vendor]; granted > b.Limit {
		for c, n := range b.Reserve {
			b.Reserve[c] = n * granted / b.Limit
		}
		b.Limit = granted
	}
	return b, ok
}

// Valid reports whether the limits are what ValidLimits says.
func (l Limits) Valid() bool {
	for vendor, granted := range l {
		if b, ok := published(vendor); !ok || granted < b.Limit || granted > 1000*b.Limit {
			return false
		}
	}
	return true
}

// ValidLimits says what limits must be.
func ValidLimits() string {
	var all []string
	for _, vendor := range fleet.Vendors() {
		if b, ok := published(vendor); ok {
			all = append(all, fmt.Sprintf("%s (calls in %s, from %d)", vendor, b.Period, b.Limit))
		}
	}
	return "a JSON object of the calls that a vendor has granted beyond what it publishes, of " + strings.Join(all, " and ")
}

func published(vendor string) (Budget, bool) {
	switch vendor {
	case "supabase": // 120 a minute for nearly all calls of the Management API
		return Budget{Limit: 120, Period: time.Minute, Busiest: 40,
			Reserve: map[Class]int{Provisioning: 80, Sweeps: 10, Operators: 10}}, true
	case "cloudflare": // 1200 in five minutes for a user. Over it, everything is refused for five minutes.
		return Budget{Limit: 1200, Period: 5 * time.Minute, Busiest: 18,
			Reserve: map[Class]int{Provisioning: 700, Sweeps: 150, Operators: 100}}, true
	}
	return Budget{}, false
}

// slices is how many parts a period is counted in.
const slices = 12

func (b Budget) slice() time.Duration { return b.Period / slices }

// Span is how long a call is counted: the period, and as much as two clocks may disagree about it. Within any period of the vendor's
// own, wherever that begins, there are then no more calls than within one span. It is a whole number of slices.
func (b Budget) Span() time.Duration {
	whole := (b.Period + bounds.Margin + b.slice() - 1) / b.slice()
	return (whole + 1) * b.slice()
}

// Usable is the limit less a tenth, for calls that reach the vendor later than they were counted, and those that aren't Fleet's.
func (b Budget) Usable() int { return b.Limit - b.Limit/10 }

// Slots is how many provisionings may run at once so that, all of them at their busiest, they get along with what is reserved for
// them at every vendor.
// Where atMost isn't 0, they are no more than that.
func (l Limits) Slots(vendors []string, atMost int) int {
	n := math.MaxInt
	if atMost > 0 {
		n = atMost
	}
	for _, vendor := range vendors {
		if b, ok := l.Of(vendor); ok {
			n = min(n, b.Reserve[Provisioning]/b.Busiest)
		}
	}
	return max(n, 1)
}

// Window is the record of one vendor's recent calls.
type Window struct {
	Vendor string  `json:"vendor"`
	Slices []Slice `json:"slices"` // oldest first
}

// Slice counts the calls of one part of a period.
type Slice struct {
	From  time.Time     `json:"from"`
	Calls map[Class]int `json:"calls"`
}

// Take counts a call if the budget has room for it, and otherwise gives how long it takes until there may be. Time goes by the
// fastest clock that has been here: a slow one counts with the newest slice there is.
func (w *Window) Take(b Budget, class Class, now time.Time) time.Duration {
	from := now.Truncate(b.slice())
	if n := len(w.Slices); n > 0 && w.Slices[n-1].From.After(from) {
		from = w.Slices[n-1].From
	}
	for len(w.Slices) > 0 && !w.Slices[0].From.After(from.Add(-b.Span())) {
		w.Slices = w.Slices[1:]
	}
	for freed := 0; freed <= len(w.Slices); freed++ {
		if !w.room(b, class, w.Slices[freed:]) {
			continue
		}
		if freed > 0 {
			return max(w.Slices[freed-1].From.Add(b.Span()).Sub(now), time.Second)
		}
		if n := len(w.Slices); n == 0 || w.Slices[n-1].From.Before(from) {
			w.Slices = append(w.Slices, Slice{from, map[Class]int{}})
		}
		w.Slices[len(w.Slices)-1].Calls[class]++
		return 0
	}
	return b.Period // a class that never has room, which no budget has
}

// room reports whether one more call of the class fits beside what these slices hold, and beside what others have reserved and not
// used.
func (*Window) room(b Budget, class Class, counted []Slice) bool {
	used := map[Class]int{class: 1}
	for _, s := range counted {
		for c, n := range s.Calls {
			used[c] += n
		}
	}
	sum := 0
	for _, c := range Classes() {
		sum += max(used[c], b.Reserve[c])
	}
	return sum <= b.Usable()
}
