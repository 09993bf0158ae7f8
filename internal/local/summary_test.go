package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim"
)

func dirty() report {
	wall := 312.5
	return report{
		Outcome: outcomeDirty, Signup: signupReport{ID: "1", Slug: "acme-dental"},
		Instance:  &instanceReport{Instance: fleet.Instance{ID: "9f0c", State: fleet.Provisioning}},
		Operation: &fleet.Operation{Failure: "Rejected", Outcome: fleet.FailedDirty},
		Path: []stayReport{
			{State: "CreateProject", Type: "Task", Attempts: 2, Errors: []string{"NotReady"}, Outcome: "exited", Calls: make([]callReport, 3)},
			{State: "CreateFrontend", Type: "Task", Attempts: 1, Errors: []string{"Rejected"}, Outcome: "failed", Calls: make([]callReport, 1)},
		},
		Incidents: []fleet.Incident{{Code: "FailedDirty", Reason: "left after the take-down: dns_record", NextAction: "mend the cause at the vendor, then retry"}},
		Resources: []resourceReport{
			{Kind: fleet.DNSRecord, Name: "acme-dental.gimbal.app", Status: fleet.Removing, Held: []sim.Held{{Kind: "dns_record", Name: "acme-dental.gimbal.app", ID: "77", Status: "unproxied"}}},
			{Kind: fleet.SupabaseProject, Name: "gimbal-9f0c", Status: fleet.Absent, RecheckAt: time.Unix(1, 0), Held: []sim.Held{}},
			{Kind: fleet.TwilioSubaccount, Name: "gimbal-9f0c", Held: []sim.Held{{Kind: "twilio_subaccount", ID: "AC1", Status: "active"}}},
		},
		Transitions: 44, Wall: &wall, Elapsed: 13.1, Speed: 25,
	}
}

func TestSummaries(t *testing.T) {
	for _, width := range []int{0, 40} {
		var out bytes.Buffer
		summarise(&out, dirty(), width)
		golden(t, fmt.Sprintf("summary-%d.txt", width), out.String())
	}
}

func TestWhatTheLedgerDoesNotKnowIsLeft(t *testing.T) {
	orphan := sim.Held{Kind: "supabase_project", Name: "gimbal-2", ID: "abc"}
	r := report{Signup: signupReport{Status: fleet.Failed}, Instance: &instanceReport{Instance: fleet.Instance{State: fleet.Terminated}},
		Operation: &fleet.Operation{Outcome: fleet.FailedClean}}
	r.Resources = beside([]fleet.Resource{{Kind: fleet.SupabaseProject, Name: "gimbal-1", Status: fleet.Removed}}, nil)
	if got := judge(r); got != outcomeClean {
		t.Errorf("nothing left: %s", got)
	}
	r.Resources = beside([]fleet.Resource{{Kind: fleet.SupabaseProject, Name: "gimbal-1", Status: fleet.Removed}}, []sim.Held{orphan})
	if got := judge(r); got != outcomeDirty || len(r.Resources) != 2 || len(r.left()) != 1 {
		t.Errorf("an orphan: %s, %+v", got, r.Resources)
	}
}

func TestRecaps(t *testing.T) {
	wall, critical := 161.1, 157.1
	active := report{Outcome: outcomeActive, Signup: signupReport{Slug: "acme-dental"}, Wall: &wall, Critical: &critical, Elapsed: 7.1,
		Instance: &instanceReport{Instance: fleet.Instance{State: fleet.Active}, URL: "https://acme-dental.gimbal.app"}, Operation: &fleet.Operation{}}
	for _, kind := range []fleet.Kind{fleet.SupabaseProject, fleet.AdminUser, fleet.DatabaseSchema, fleet.VercelProject, fleet.VercelDomain,
		fleet.VercelDeployment, fleet.DNSRecord, fleet.DNSProxy, fleet.TwilioSubaccount, fleet.TwilioKey, fleet.SendGridSubuser, fleet.SendGridDomain} {
		active.Resources = append(active.Resources, resourceReport{Kind: kind, Status: fleet.Created, CreatedAt: noon})
	}
	clean := active
	clean.Outcome, clean.Instance, clean.Operation = outcomeClean, &instanceReport{Instance: fleet.Instance{State: fleet.Terminated}}, &fleet.Operation{Failure: "Rejected"}
	clean.Resources = []resourceReport{{Kind: fleet.VercelProject, Status: fleet.Removed, CreatedAt: noon}, {Kind: fleet.SupabaseProject, Status: fleet.Absent}}
	rejected := report{Outcome: outcomeRejected, Signup: signupReport{Slug: "acme-dental", Status: fleet.Rejected}}
	var all strings.Builder
	for _, r := range []report{active, clean, dirty(), rejected} {
		all.WriteString(recap(r, 0) + "\n")
		if narrow := recap(r, 45); strings.HasPrefix(narrow, "|") && len(narrow[:strings.IndexByte(narrow, '\n')]) >= 45 {
			t.Errorf("it has no room in 45 columns:\n%s", narrow)
		}
	}
	if narrow := recap(active, 45); !strings.Contains(narrow, "\nurl: https://acme-dental.gimbal.app\n") {
		t.Errorf("the address is gone:\n%s", narrow)
	}
	golden(t, "recaps.txt", all.String())
}

func TestEveryKindHasAVendor(t *testing.T) {
	for _, kind := range append(fleet.Settings(), fleet.SupabaseProject, fleet.VercelProject, fleet.VercelDomain, fleet.DNSRecord, fleet.TwilioSubaccount,
		fleet.TwilioService, fleet.SendGridSubuser, fleet.VercelDeployment, fleet.TwilioKey, fleet.SendGridKey, fleet.SendGridDomain, fleet.SendGridWebhook) {
		if !slices.Contains(fleet.Vendors(), vendorOf(kind)) {
			t.Errorf("%s is %q's", kind, vendorOf(kind))
		}
	}
}
