package budget_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func limited(t *testing.T) map[string]budget.Budget {
	t.Helper()
	all := map[string]budget.Budget{}
	for _, vendor := range fleet.Vendors() {
		if b, ok := budget.Limits(nil).Of(vendor); ok {
			all[vendor] = b
		}
	}
	if len(all) == 0 {
		t.Fatal("no vendor has a budget")
	}
	return all
}

// TestReservesFit: what the classes are promised is within what may be used, and every class is promised something.
func TestReservesFit(t *testing.T) {
	for vendor, b := range limited(t) {
		sum := 0
		for _, c := range budget.Classes() {
			if b.Reserve[c] <= 0 {
				t.Errorf("%s: %s has no reserve", vendor, c)
			}
			sum += b.Reserve[c]
		}
		if sum > b.Usable() || b.Usable() >= b.Limit {
			t.Errorf("%s: %d are reserved, %d usable, %d the limit", vendor, sum, b.Usable(), b.Limit)
		}
	}
}

// TestNeverOverTheLimit: callers with clocks off either way ask as often as they can for a long time; within no period of true time,
// wherever it begins, are there more calls than the vendor takes.
func TestNeverOverTheLimit(t *testing.T) {
	for vendor, b := range limited(t) {
		random := rand.New(rand.NewPCG(1, 2))
		w := &budget.Window{}
		var made []time.Time
		for at := noon; at.Before(noon.Add(6 * b.Period)); at = at.Add(b.Period / 2000) {
			skew := time.Duration(random.Int64N(int64(2*bounds.Skew))) - bounds.Skew
			class := budget.Classes()[random.IntN(3)]
			if w.Take(b, class, at.Add(skew)) == 0 {
				made = append(made, at)
			}
		}
		most := 0
		for i, from := range made {
			n, _ := slices.BinarySearchFunc(made[i:], from.Add(b.Period), time.Time.Compare)
			most = max(most, n)
		}
		if most > b.Usable() || len(made) < 3*b.Usable() {
			t.Errorf("%s: %d calls within %s, of %d in all", vendor, most, b.Period, len(made))
		}
	}
}

// TestReserveIsKept: however much another class asks, each still has what is reserved for it, and a lone one what nobody reserved.
func TestReserveIsKept(t *testing.T) {
	take := func(w *budget.Window, b budget.Budget, c budget.Class) (n int) {
		for w.Take(b, c, noon) == 0 {
			n++
		}
		return n
	}
	for vendor, b := range limited(t) {
		for _, greedy := range budget.Classes() {
			w := &budget.Window{}
			others := 0
			for _, c := range budget.Classes() {
				if c != greedy {
					others += b.Reserve[c]
				}
			}
			if n := take(w, b, greedy); n != b.Usable()-others {
				t.Errorf("%s: %s alone got %d, not what the others leave", vendor, greedy, n)
			}
			for _, c := range budget.Classes() {
				if n := take(w, b, c); c != greedy && n != b.Reserve[c] {
					t.Errorf("%s: beside %s, %s got %d of its %d", vendor, greedy, c, n, b.Reserve[c])
				}
			}
		}
	}
}

// TestWaitIsRight: after the wait that Take names there is room.
func TestWaitIsRight(t *testing.T) {
	for vendor, b := range limited(t) {
		w := &budget.Window{}
		now, waited := noon, time.Duration(0)
		for range 3 * b.Limit {
			if wait := w.Take(b, budget.Provisioning, now); wait > 0 {
				now, waited = now.Add(wait), waited+wait
				if again := w.Take(b, budget.Provisioning, now); again > 0 {
					t.Fatalf("%s: no room after %s, again %s", vendor, wait, again)
				}
			}
			now = now.Add(10 * time.Millisecond)
		}
		if waited == 0 {
			t.Errorf("%s: nobody waited", vendor)
		}
	}
}

func TestSlots(t *testing.T) {
	derived := budget.Limits(nil).Slots(fleet.Vendors(), 0)
	for vendor, b := range limited(t) {
		if derived*b.Busiest > b.Reserve[budget.Provisioning] {
			t.Errorf("%d slots are too many for %s", derived, vendor)
		}
	}
	if derived < 2 || budget.Limits(nil).Slots(fleet.Vendors(), 1) != 1 || budget.Limits(nil).Slots(fleet.Vendors(), 1000) != derived {
		t.Errorf("%d slots; a cap only lowers them", derived)
	}
	granted := budget.Limits{"supabase": 300}
	if n := granted.Slots(fleet.Vendors(), 0); n != 5 {
		t.Errorf("%d slots with 300 calls a minute", n)
	}
	if b, _ := granted.Of("supabase"); b.Limit != 300 || b.Reserve[budget.Sweeps] != 25 || b.Usable() != 270 {
		t.Errorf("what is granted is shared out as %+v", b)
	}
	if b, _ := budget.Limits(nil).Of("supabase"); b.Limit != 120 {
		t.Errorf("what one account is granted changes another's budget: %+v", b)
	}
}
