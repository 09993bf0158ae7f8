package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// TestPlanEnd: the plan names every entry that is there once, host name first and project last, with what goes along after it; and the
// times of the contract.
func TestPlanEnd(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ledger := []fleet.Resource{
		{Kind: fleet.SupabaseProject, Name: "gimbal", ID: "ref", Status: fleet.Created},
		{Kind: fleet.AdminUser, Name: "admin", Status: fleet.Created},
		{Kind: fleet.TwilioKey, Name: "old", Status: fleet.Removed},
		{Kind: fleet.TwilioSubaccount, Name: "gimbal", Status: fleet.Created},
		{Kind: fleet.TwilioService, Name: "gimbal", Status: fleet.Created},
		{Kind: fleet.DNSRecord, Name: "acme.gimbal.app", Status: fleet.Intended},
	}
	plan := fleet.PlanEnd(fleet.Instance{ID: "i", State: fleet.Active}, ledger, nil, true, fleet.DefaultPeriods(), now)
	var kinds []fleet.Kind
	for _, r := range plan.Resources {
		kinds = append(kinds, r.Kind)
		if final := r.Kind != fleet.DNSRecord && r.Kind != fleet.TwilioService; r.Final != final || r.Vendor == "" || !r.At.Equal(now.AddDate(0, 0, 60)) {
			t.Errorf("%+v", r)
		}
	}
	if want := []fleet.Kind{fleet.DNSRecord, fleet.TwilioService, fleet.TwilioSubaccount, fleet.SupabaseProject, fleet.AdminUser}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	if len(plan.Obstacles) > 0 || !plan.Steps[1].At.Equal(now.AddDate(0, 0, 30)) || plan.Steps[1].Final || !plan.Steps[2].Final {
		t.Errorf("%+v", plan)
	}
	for i, want := range []time.Duration{fleet.KeepAudit, fleet.KeepConfiguration, fleet.KeepBackups} {
		if !plan.Kept[i].Until.Equal(now.AddDate(0, 0, 60).Add(want)) {
			t.Errorf("%+v", plan.Kept[i])
		}
	}
}

// TestPlanTellsObstacles: each thing in the way is told, and a plan under way keeps its times.
func TestPlanTellsObstacles(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	decided := &fleet.Decommission{N: 1, Stage: fleet.InNotice, NoticeAt: now, NoticeEnds: now.Add(time.Hour), GraceEnds: now.Add(2 * time.Hour)}
	i := fleet.Instance{State: fleet.Suspended, Operation: "op", Unfinished: "dirty", Hold: &fleet.Hold{Why: "case"}, Decommission: decided,
		Suspension: &fleet.Suspension{Reason: fleet.ForPayment}}
	plan := fleet.PlanEnd(i, nil, []fleet.Freeze{{Scope: fleet.Terminations, Reason: "a look"}}, true, fleet.DefaultPeriods(), now.Add(time.Minute))
	if len(plan.Obstacles) != 5 || plan.Stage != fleet.InNotice || !plan.Steps[2].At.Equal(decided.GraceEnds) || !plan.Steps[0].At.Equal(now) {
		t.Errorf("%+v", plan)
	}
	if unlocked := fleet.PlanEnd(i, nil, nil, false, fleet.DefaultPeriods(), now); len(unlocked.Obstacles) != 3 || strings.Contains(strings.Join(unlocked.Obstacles, ""), "unpaid") {
		t.Errorf("without the lock: %v", unlocked.Obstacles)
	}
	decided.Stage = fleet.Withdrawn
	if plan := fleet.PlanEnd(fleet.Instance{State: fleet.Provisioning, Decommission: decided}, nil, nil, true, fleet.DefaultPeriods(), now); plan.Stage != "" || len(plan.Obstacles) != 1 {
		t.Errorf("%+v", plan)
	}
}

// TestWithin: a termination counts for a day, and nobody's own counts for them; an orphan's is another.
func TestWithin(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []fleet.Termination{{InstanceID: "old", At: now.Add(-24 * time.Hour)}, {InstanceID: "own", At: now}, {InstanceID: "own", Orphan: "supabase_project/x", At: now}, {InstanceID: "other", At: now.Add(-23 * time.Hour)}}
	if got := fleet.Within(all, now, all[1]); len(got) != 2 || got[0].Orphan == "" || got[1].InstanceID != "other" {
		t.Errorf("%+v", got)
	}
}

// TestDecommission: the periods run from the notice; a grace that begins late is as long as promised; a final export is renewed in time.
func TestDecommission(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := fleet.DefaultPeriods()
	d := fleet.Decide(fleet.Instance{State: fleet.Active, Decommission: &fleet.Decommission{N: 2, Stage: fleet.Withdrawn}}, "leaves", "operator:ada", p, now)
	if d.N != 3 || d.Stage != fleet.InNotice || d.Given() || d.Before != fleet.Active || !d.Open() {
		t.Errorf("%+v", d)
	}
	given := now.Add(5 * time.Hour)
	d.Give(fleet.VerifiedExport{ID: "first"}, p, given)
	if !d.Given() || !d.NoticeAt.Equal(given) || !d.NoticeEnds.Equal(given.AddDate(0, 0, 30)) || !d.GraceEnds.Equal(given.AddDate(0, 0, 60)) {
		t.Errorf("%+v", d)
	}
	for late, moved := range map[time.Duration]time.Duration{time.Hour: 0, 24 * time.Hour: 0, 25 * time.Hour: 25 * time.Hour} {
		closed := *d
		closed.Grace(fleet.VerifiedExport{ID: "final", VerifiedAt: d.NoticeEnds.Add(late)}, p, d.NoticeEnds.Add(late))
		if closed.Stage != fleet.InGrace || !closed.GraceEnds.Equal(d.GraceEnds.Add(moved)) {
			t.Errorf("%s late: %+v", late, closed)
		}
		ends := closed.GraceEnds
		if closed.Renewal(ends) || !closed.Renewal(d.NoticeEnds.Add(fleet.KeepEndExports)) {
			t.Errorf("%s late: it is renewed at the wrong time", late)
		}
		if closed.Grace(fleet.VerifiedExport{ID: "another"}, p, ends.AddDate(1, 0, 0)); !closed.GraceEnds.Equal(ends) || closed.FinalExport.ID != "another" {
			t.Errorf("renewed: %+v", closed)
		}
	}
}

// TestEndMessages: a message about an end tells which, and is needed as long as it is so.
func TestEndMessages(t *testing.T) {
	for text, stage := range map[string]fleet.Stage{fleet.NoticeGiven: fleet.InNotice, fleet.GraceBegun: fleet.InGrace, fleet.EndWithdrawn: fleet.Withdrawn} {
		id := fleet.EndMessage(text, 12)
		messages := []string{id, fleet.Repetition(id, 7)}
		if text == fleet.GraceBegun {
			renewed := fleet.RenewedMessage(12, fleet.NewOperationID(fleet.Close, "8f0c", 9))
			messages = append(messages, renewed, fleet.Repetition(renewed, 7))
		}
		for _, message := range messages {
			if got, n := fleet.EndText(message); got != text || n != 12 {
				t.Errorf("%s: %q, %d", message, got, n)
			}
		}
		for _, other := range []fleet.Stage{fleet.InNotice, fleet.InClosing, fleet.InGrace, fleet.Terminating, fleet.Ended, fleet.Withdrawn} {
			d := &fleet.Decommission{N: 12, Stage: other}
			if d.Needs(text, 12) != (other == stage) || d.Needs(text, 11) {
				t.Errorf("%s in stage %s", text, other)
			}
		}
	}
	for _, other := range []string{fleet.Welcome, "end-notice", "end-notice-", "end-notice-x"} {
		if text, _ := fleet.EndText(other); text != "" {
			t.Errorf("%s is %q", other, text)
		}
	}
}
