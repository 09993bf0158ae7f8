package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	acme  = "df4a5ecc-37f0-5b06-b82f-426350807da2"
	beta  = "df4a5ecc-99f0-5b06-b82f-426350807da2" // begins like acme's
	gamma = "0c11ab3e-27f0-5b06-b82f-426350807da2"
)

func before(d time.Duration) time.Time { return noon.Add(-d) }

// sampleFleet is a fleet with one of each kind.
func sampleFleet() view.Fleet {
	row := func(id, slug string, signup fleet.SignupStatus, state fleet.State, p fleet.Progress, since time.Duration) view.Row {
		return view.Row{ID: id, Slug: slug, Plan: "pro", Region: "eu-central-1", Signup: signup, State: state, Progress: p, Since: before(since)}
	}
	building := row(acme, "acme-dental", fleet.Admitted, fleet.Provisioning, fleet.Progress{Deadline: noon.Add(12 * time.Minute), Reason: "being provisioned",
		NextAction: "wait; when overdue it is taken down by itself"}, 20*time.Minute)
	requested := row(beta, "beta-bakery", fleet.Requested, "", fleet.Progress{NextAction: fleet.Requested.NextAction()}, 5*time.Minute)
	approved := row(gamma, "gamma-garage", fleet.Approved, "", fleet.Progress{NextAction: fleet.Approved.NextAction()}, 40*time.Minute)
	approved.Place = 2
	active := row("7b61ab3e-27f0-5b06-b82f-426350807da2", "delta-dance", fleet.Completed, fleet.Active, fleet.Progress{}, 30*24*time.Hour)
	active.Incidents = 1
	overdue := row("8b61ab3e-27f0-5b06-b82f-426350807da2", "epsilon-eyewear-and-hearing-aids", fleet.Admitted, fleet.Provisioning, fleet.Progress{
		Deadline: before(3 * time.Minute), Reason: "taking down (Unavailable)", NextAction: "wait for the take-down; when overdue, look at its execution"}, 2*time.Hour)
	over := row("9b61ab3e-27f0-5b06-b82f-426350807da2", "acme-dental", fleet.Failed, fleet.Terminated, fleet.Progress{Reason: "Rejected",
		NextAction: "none: nothing is left at any vendor"}, 72*time.Hour)
	return view.Fleet{Instances: []view.Row{requested, building, approved, overdue, over, active}, Frozen: []fleet.Freeze{
		{Scope: "twilio", Reason: "Twilio has an outage", By: "operator:arn:aws:sts::111122223333:assumed-role/Operators/jane", Since: before(25 * time.Minute)}}}
}

// sampleInstance is one whose provisioning is being taken down.
func sampleInstance() view.Instance {
	own := fleet.ResourceName(acme)
	return view.Instance{
		Row: view.Row{ID: acme, Slug: "acme-dental", Plan: "pro", Region: "eu-central-1", Signup: fleet.Admitted, State: fleet.Provisioning, Incidents: 1,
			Progress: fleet.Progress{Deadline: noon.Add(57 * time.Minute), Reason: "taking down (QuotaExceeded)", NextAction: "wait for the take-down; when overdue, look at its execution"}},
		Host:   "acme-dental.gimbal.app",
		Signed: view.Signup{Timezone: "Europe/Berlin", Locale: "de", RequestedAt: before(20 * time.Minute), DecidedAt: before(15 * time.Minute), DecidedBy: "operator:token"},
		Epoch:  2,
		Resources: []fleet.Resource{
			{Kind: fleet.DNSRecord, Name: "acme-dental.gimbal.app", ID: "372e67954025e0ba6aaa6d586b9e0b59", Status: fleet.Created},
			{Kind: fleet.DNSRecord, Name: "s1._domainkey.acme-dental.gimbal.app", Status: fleet.Absent, Unknown: true, RecheckAt: noon.Add(14 * time.Minute)},
			{Kind: fleet.AuthSettings, Name: "site", ID: "site", Status: fleet.Removed},
			{Kind: fleet.SendGridSubuser, Name: own, Status: fleet.Intended, Unknown: true},
			{Kind: fleet.SupabaseProject, Name: own, ID: "euidvmtxhujozmewqvca", Status: fleet.Removing},
			{Kind: fleet.TwilioSubaccount, Name: own, ID: "AC4afd7c4cc236765501b7e3277d8e2726", Status: fleet.Created},
		},
		Operations: []fleet.Operation{{ID: "op-" + acme, InstanceID: acme, Kind: fleet.Provision, Phase: fleet.TakingDown, N: 1, Epoch: 2,
			Failure: "QuotaExceeded", FailureText: "sendgrid.CreateSubuser: no more subusers are allowed (HTTP 400 subuser_limit)",
			StartedAt: before(10 * time.Minute), RunStartedAt: before(3 * time.Minute), Progress: fleet.Progress{Deadline: noon.Add(57 * time.Minute)}},
			{ID: "resend-3", InstanceID: acme, Kind: fleet.Resend, Phase: fleet.Sending, N: 1, Epoch: 3, Message: "welcome-resend-3", Outcome: fleet.Succeeded,
				StartedAt: before(time.Minute), EndedAt: before(50 * time.Second)}},
		Messages: []fleet.Message{
			{ID: "invitation", Recipient: "admin", Channel: "mail", Status: fleet.MessageSent, SentAt: before(2 * time.Minute)},
			{ID: "welcome", Recipient: "admin", Channel: "mail", Status: fleet.MessageUnknown},
		},
		History: sampleIncidents()[1:3],
		Audit:   sampleAudit(14),
	}
}

func sampleIncidents() []fleet.Incident {
	return []fleet.Incident{
		{ID: "check-sendgrid.quota", InstanceID: fleet.FleetID, Code: fleet.IncidentCheckFailed, Reason: "sendgrid.quota: 0 of 15 subusers are left",
			NextAction: "have SendGrid raise the allowance", OpenedAt: before(26 * time.Hour), AckedAt: before(25 * time.Hour),
			AckedBy: "operator:arn:aws:sts::111122223333:assumed-role/Operators/jane"},
		{ID: "message-welcome", InstanceID: acme, Code: fleet.IncidentMessageUnknown, Reason: "whether message welcome reached the vendor is unknown",
			NextAction: "look in the vendor's activity log; if it is not there, tell the recipient by hand", OpenedAt: before(90 * time.Second)},
		{ID: "overdue-op-" + acme + "-provision-1", InstanceID: acme, Code: fleet.IncidentOverdue, Reason: "execution op-" + acme + "-provision-1 runs past its deadline",
			NextAction: "look at the execution", OpenedAt: before(50 * time.Minute), ClosedAt: before(30 * time.Minute)},
	}
}

// sampleEnding is a live one whose customer was given notice, under a legal hold.
func sampleEnding() view.Instance {
	d := &fleet.Decommission{N: 1, Stage: fleet.InNotice, Reason: "the contract ends", By: "operator:ada", Before: fleet.Active, NoticeAt: before(48 * time.Hour), NoticeEnds: before(-28 * 24 * time.Hour),
		GraceEnds: before(-58 * 24 * time.Hour), FirstExport: &fleet.VerifiedExport{ID: "decommission-7", Manifest: strings.Repeat("cd34", 16), VerifiedAt: before(48 * time.Hour)}}
	return view.Instance{Row: view.Row{ID: acme, Slug: "acme-dental", Signup: fleet.Completed, State: fleet.Active, Stage: d.Stage, Ends: d.NoticeEnds, Held: true, Since: before(72 * time.Hour)},
		Host: "acme-dental.gimbal.app", Hold: &fleet.Hold{By: "operator:bob", Why: "case 12 O 345/26", Since: before(time.Hour)}, Decommission: d, Audit: sampleAudit(1),
		Signed: view.Signup{Timezone: "UTC", Locale: "en-US", RequestedAt: before(72 * time.Hour)}}
}

func sampleExports() []fleet.Export {
	return []fleet.Export{
		{ID: "export-5", InstanceID: acme, Purpose: fleet.OnRequest, Status: fleet.ExportVerified, Consistency: "snapshot", Files: 4, Bytes: 9000, Rows: 31,
			Manifest: "cd34", BegunAt: before(time.Hour), VerifiedAt: before(50 * time.Minute), ExpiresAt: before(-29 * 24 * time.Hour)},
		{ID: "export-4", InstanceID: acme, Purpose: fleet.OnRequest, Status: fleet.ExportFailed, Failure: "ExportDatabase: the schema changes while it is exported",
			BegunAt: before(25 * time.Hour)},
	}
}

func sampleAudit(n int) (entries []fleet.AuditEntry) {
	head := fleet.AuditHead{}
	for i := range n {
		e := fleet.AuditEntry{ID: "change/" + strconv.Itoa(i), At: before(time.Duration(n-i) * time.Minute), Actor: "step:CreateProject", Action: "resource.created",
			Subject: "supabase_project/" + fleet.ResourceName(acme), Outcome: "ok", Request: "r"}
		if i == 0 {
			e.Actor, e.Action, e.Subject, e.Outcome = "operator:arn:aws:sts::111122223333:assumed-role/Operators/jane", "signup.decided", "signup", "APPROVED"
		}
		e = e.Chain(head)
		head = fleet.AuditHead{Seq: e.Seq, Hash: e.Hash}
		entries = append(entries, e)
	}
	return entries
}

func sampleLogs() view.Logs {
	at := func(ms int) time.Time { return before(10 * time.Minute).Add(time.Duration(ms) * time.Millisecond) }
	return view.Logs{Executions: []string{"op-" + acme + "-provision-1"}, Lines: []view.LogLine{
		{At: at(0), Source: "provision", Text: `{"type":"TaskStateEntered","details":{"name":"CreateProject"},"execution_arn":"arn:aws:states:x"}`},
		{At: at(12), Source: "create-project", Text: `{"time":"2026-11-25T11:50:00.012Z","level":"INFO","msg":"call","function":"create-project","vendor":"supabase","operation":"CreateProject","status":201,"request_id":"a b","instance":"` + acme + `"}`},
		{At: at(1534), Source: "create-project", Text: `{"time":"2026-11-25T11:50:01.534Z","level":"INFO","msg":"done","function":"create-project","request":"r-1","operation":"op-` + acme + `","error":"","instance":"` + acme + `","epoch":1,"took":1521734000}`},
		{At: at(2000), Source: "create-email-account", Text: `{"level":"WARN","msg":"failed","code":"QuotaExceeded","error":"no more\u001b[31m subusers","instance":"` + acme + `"}`},
		{At: at(2100), Source: "create-email-account", Text: "REPORT RequestId: 7f \x1b[2J Duration: 12 ms\n"},
	}}
}

func sampleDiagnosis() view.Diagnosis {
	return view.Diagnosis{At: noon, Checks: []view.Check{
		{Name: "supabase.token", Verdict: view.Fine, Found: "valid"},
		{Name: "sendgrid.quota", Verdict: view.Broken, Found: "0 of 15 subusers are left", Mend: "have SendGrid raise the allowance, or delete subusers that nobody needs"},
		{Name: "webhook.secret", Verdict: view.Warning, Found: "it is 400 days old", Mend: "make a new one and give it to the signup form's server"},
		{Name: "schedules", Verdict: view.Unchecked, Found: "there are none on one machine " + strings.Repeat("and so on ", 6)},
	}}
}
