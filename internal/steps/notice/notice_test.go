package notice

import (
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

func TestEveryMessageComposes(t *testing.T) {
	facts := map[string]string{"Name": "Ada ${Link}", "Company": "Acme $5", "Home": "https://acme.gimbal.app", "Instance": "an-id", "Link": "https://link"}
	for _, fact := range []string{"Slug", "Plan", "Region", "Reason", "Until", "Signup", "Made", "From", "Code", "Minutes", "NoticeEnds", "GraceEnds"} {
		facts[fact] = "the " + fact
	}
	for _, id := range append(append(fleet.NewInstanceMessages(), fleet.SignupMessages()...), append(fleet.EndTexts(), "export-ready", "download-code")...) {
		subject, text, err := compose(id, facts)
		if err != nil || subject == "" || text == "" || strings.Contains(subject, "\n") {
			t.Errorf("%s: %q, %q, %v", id, subject, text, err)
		}
		if strings.Contains(text, "Ada") && !strings.Contains(text, "Ada ${Link}") {
			t.Errorf("%s filled a fact's own text: %q", id, text)
		}
	}
	_, _, err := compose(fleet.Invitation, map[string]string{"Name": "Ada"})
	if !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) {
		t.Errorf("a missing fact gave %v", err)
	}
}

// TestLocalTimes: a time is told as the customer's clocks show it, summer time included, and in UTC where the zone isn't known.
func TestLocalTimes(t *testing.T) {
	for at, want := range map[string]string{
		"2026-07-01T18:05:00Z America/New_York": "Wednesday, 1 July 2026, 14:05 EDT",
		"2026-12-31T19:05:00Z America/New_York": "Thursday, 31 December 2026, 14:05 EST",
		"2026-12-31T19:05:00Z Asia/Tokyo":       "Friday, 1 January 2027, 04:05 JST",
		"2026-12-31T19:05:00Z Nowhere/Else":     "Thursday, 31 December 2026, 19:05 UTC",
	} {
		text, zone, _ := strings.Cut(at, " ")
		when, err := time.Parse(time.RFC3339, text)
		if got := local(when, zone); err != nil || got != want {
			t.Errorf("%s: %q, want %q, %v", at, got, want, err)
		}
	}
}
