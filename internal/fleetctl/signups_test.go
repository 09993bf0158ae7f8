package main

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

func sampleSignups() view.Signups {
	return view.Signups{Total: 7, Signups: []view.SignupRow{
		{ID: beta, Slug: "beta-bakery", Plan: "tiered", Tier: "growth", Vertical: "retail", Region: "eu-central-1", Timezone: "Europe/Berlin", Locale: "de", Status: fleet.Requested,
			NextAction: fleet.Requested.NextAction(), RequestedAt: before(5 * time.Minute),
			Applicant: &fleet.Applicant{Company: "Beta Bäckerei & Söhne", AdminName: "Ada Byron", AdminEmail: "ada@beta.example", Phone: "+12125550123"}},
		{ID: gamma, Slug: "gamma-garage", Plan: "flat", Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US", Status: fleet.Requested,
			NextAction: fleet.Requested.NextAction(), RequestedAt: before(time.Hour)},
	}}
}

// TestSignups: the status is asked of the API, people see who signed up, and --json is the document as it came.
func TestSignups(t *testing.T) {
	document := encoded(t, sampleSignups())
	api := newFakeAPI(t, map[string]answer{"GET /signups?status=REQUESTED": {200, document}, "GET /signups?status=REJECTED": {200, `{"signups":[],"total":0}`}})
	got := fleetctl(t, "signups")
	for _, want := range []string{"Beta Bäckerei & Söhne", "Ada Byron, ada@beta.example, +12125550123", "tiered growth, retail", "can't be read any more", "2 signups of 7"} {
		got.want(t, exitDone, want, "")
	}
	fleetctl(t, "signups", "--status", "rejected").want(t, exitDone, "No signup is REJECTED.", "")
	if got := fleetctl(t, "signups", "--json"); got.code != exitDone || got.out != document+"\n" {
		t.Errorf("%+v", got)
	}
	asked := len(api.asked)
	fleetctl(t, "signups", "--status", "live").want(t, exitUsage, "", "is none of [REQUESTED")
	if len(api.asked) != asked {
		t.Error("the API was asked all the same")
	}
}

func TestSignupsFit(t *testing.T) {
	for line := range strings.Lines(drawn(80, func(p page) { p.signups(sampleSignups(), fleet.Requested) })) {
		if n := ansi.StringWidth(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
