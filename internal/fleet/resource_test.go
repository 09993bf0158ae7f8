package fleet_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fleet"
)

func TestResourceRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 48, 0, 123456789, time.UTC)
	for name, want := range map[string]fleet.Resource{
		"intended": {Kind: fleet.TwilioKey, Name: "n", Status: fleet.Intended, Epoch: 1, Attempt: &fleet.Attempt{Nonce: "x", Deadline: at}},
		"full": {Kind: fleet.DNSRecord, Name: "acme.gimbal.app", ID: "r1", Status: fleet.Absent, Attributes: map[string]string{"ref": "a"},
			Attempt: &fleet.Attempt{Nonce: "y", Deadline: at}, LookUntil: at.Add(1), Unknown: true, Conflicted: true, Epoch: 1 << 60,
			RecheckAt: at.Add(2), Rechecks: 1, CreatedAt: at.Add(3), RemovedAt: at.Add(4)},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var back fleet.Resource
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestResourceWithoutTimes: an instant that is not set is left out and not the year 1.
func TestResourceWithoutTimes(t *testing.T) {
	for _, record := range []any{fleet.Resource{}, fleet.Instance{}, fleet.Message{}, fleet.Progress{}} {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.ReplaceAll(string(text), `"created_at":"0001`, ""); strings.Contains(text, "0001-01-01") {
			t.Errorf("%T: %s", record, text)
		}
	}
}

func TestGone(t *testing.T) {
	for status, gone := range map[fleet.ResourceStatus]bool{fleet.Intended: false, fleet.Created: false, fleet.Removing: false,
		fleet.Removed: true, fleet.Absent: true} {
		if (fleet.Resource{Status: status}).Gone() != gone {
			t.Errorf("an entry that is %s", status)
		}
	}
}

// TestInside: what vanishes with another resource lives in one that stands by itself.
func TestInside(t *testing.T) {
	for inner, outer := range fleet.Inside() {
		if _, nested := fleet.Inside()[outer]; nested || inner == outer {
			t.Errorf("%s is inside %s, which does not stand by itself", inner, outer)
		}
	}
}
