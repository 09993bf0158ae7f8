package fleet_test

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
)

func TestFrozen(t *testing.T) {
	freezes := []fleet.Freeze{{Scope: "vercel"}, {Scope: "twilio"}}
	for _, c := range []struct {
		freezes []fleet.Freeze
		needs   []string
		want    string
	}{
		{nil, fleet.Vendors(), ""},
		{freezes, []string{"supabase", "sendgrid"}, ""},
		{freezes, []string{"sendgrid", "twilio"}, "twilio is frozen"},
		{freezes, fleet.Vendors(), "vercel is frozen"},
		{freezes, nil, ""},
		{append(freezes, fleet.Freeze{Scope: fleet.WholeFleet}), []string{"twilio"}, "the fleet is frozen"},
		{append(freezes, fleet.Freeze{Scope: fleet.WholeFleet}), nil, "the fleet is frozen"},
	} {
		got := ""
		if f := fleet.Frozen(c.freezes, c.needs...); f != nil {
			got = f.What()
		}
		if got != c.want {
			t.Errorf("%v for %v: %q, want %q", c.freezes, c.needs, got, c.want)
		}
	}
}

// TestRepetition: the id of a repetition tells which message it repeats, however often that was repeated itself.
func TestRepetition(t *testing.T) {
	for _, id := range fleet.NewInstanceMessages() {
		once := fleet.Repetition(id, 2)
		twice := fleet.Repetition(once, 3)
		if once == id || once == twice || twice != fleet.Repetition(id, 3) {
			t.Errorf("%s, %s, %s", id, once, twice)
		}
		for _, repeated := range []string{id, once, twice} {
			if fleet.OriginalMessage(repeated) != id {
				t.Errorf("%s repeats %s", repeated, fleet.OriginalMessage(repeated))
			}
		}
	}
}
