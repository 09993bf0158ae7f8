package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/steps/termination"
	"github.com/project-gimbal/fleet/internal/view"
)

// lively is a demo that goes on after ACTIVE.
func lively(t *testing.T, until goal) demoOptions {
	t.Helper()
	o := quick(t)
	o.speed, o.until = hurried, until
	return o
}

// TestWholeLife: an instance is suspended, resumed, decommissioned, kept after all, decommissioned again, closed a month later, and a
// month after that terminated, which its certificate proves; nothing is left, and nothing private is told.
func TestWholeLife(t *testing.T) {
	t.Parallel()
	o := lively(t, untilTerminated)
	o.json = true
	p := playDemo(o, &notifying{}, newInterrupts())
	var r report
	if err := json.Unmarshal([]byte(p.out), &r); err != nil {
		t.Fatal(err, p.err)
	}
	if p.err != nil || p.code != exitDone || r.Outcome != outcomeTerminated || len(r.left()) > 0 || len(r.Incidents) > 0 {
		t.Fatalf("ended with %d, %v: %s, left %v, incidents %v", p.code, p.err, r.Outcome, r.left(), r.Incidents)
	}
	var kinds []fleet.OperationKind
	for _, o := range r.Life.Operations {
		if kinds = append(kinds, o.Kind); o.Outcome != fleet.Succeeded {
			t.Errorf("%s ended %q", o.ID, o.Outcome)
		}
	}
	if want := []fleet.OperationKind{fleet.Provision, fleet.Suspend, fleet.Resume, fleet.GiveNotice, fleet.GiveNotice, fleet.Close, fleet.Terminate}; !slices.Equal(kinds, want) {
		t.Errorf("operations: %v", kinds)
	}
	wantDays(t, *r.Life, 7, 30, 30)
	wantEnd(t, r)
	var sent []string
	for _, m := range r.Messages {
		if m.Status == fleet.MessageSent {
			sent = append(sent, m.ID)
		}
	}
	for _, id := range []string{"suspended-payment-2", "resumed-3", "end-notice-1", "end-withdrawn-1", "end-notice-2", "end-grace-2"} {
		if !slices.Contains(sent, id) {
			t.Errorf("%s was not sent, but %v", id, sent)
		}
	}
	if r.Critical == nil || *r.Critical < 6 {
		t.Errorf("critical path: %v", r.Critical)
	}
	wantNothingPrivate(t, withoutLacks(p.out))
}

// withoutLacks is a text without what an export says that it lacks.
func withoutLacks(text string) string {
	return strings.ReplaceAll(text, "logins and passwords of roles", "")
}

// wantDays judges how many days were fast-forwarded each time, and that its one-time schedule came after each that ends a stage.
func wantDays(t *testing.T, l lifeReport, want ...int) {
	t.Helper()
	var passed []int
	for i, leap := range l.Leaps {
		passed = append(passed, int((leap.To.Sub(leap.From)+time.Hour)/day))
		if scheduled := strings.Contains(leap.Next, "its one-time schedule"); scheduled != (i > 0) {
			t.Errorf("after %v comes %q", leap, leap.Next)
		}
	}
	if !slices.Equal(passed, want) {
		t.Errorf("days passed: %v, want %v", passed, want)
	}
}

// wantEnd judges what is told of an instance's end: the plan names what the certificate tells, and the export is the one that it names.
func wantEnd(t *testing.T, r report) {
	t.Helper()
	l := r.Life
	if l.Plan == nil || l.Export == nil || l.Certificate == nil || l.Missed != "" || len(l.Turns) != 7 {
		t.Fatalf("%+v", l)
	}
	if len(l.Plan.Resources) != len(l.Certificate.Resources) || len(l.Certificate.Resources) != len(r.Resources) || l.Export.Manifest != l.Certificate.Export {
		t.Errorf("planned %d, certified %d of %d; export %s, %s", len(l.Plan.Resources), len(l.Certificate.Resources), len(r.Resources), l.Export.Manifest, l.Certificate.Export)
	}
	if l.Export.Status != fleet.ExportVerified || l.Export.Rows == 0 || len(l.Export.Content)+1 != l.Export.Files { // beside the manifest
		t.Errorf("export: %+v", l.Export.Export)
	}
}

// TestLifeThroughFaults: a closing that a vendor refuses is undone, and begun again by the sweep; a deletion that it refuses is retried.
func TestLifeThroughFaults(t *testing.T) {
	t.Parallel()
	o := lively(t, untilTerminated)
	var err error
	if o.rules, err = sim.ParseRules("twilio.UpdateAccount=403@3,supabase.DeleteProject=403@1-2"); err != nil {
		t.Fatal(err)
	}
	p := playDemo(o, &notifying{}, newInterrupts())
	if p.err != nil || p.code != exitDone {
		t.Errorf("ended with %d, %v", p.code, p.err)
	}
	for _, says := range []string{"that came to nothing: close-", "ended undone", "then the sweep invokes due", "it is SUSPENDED, in grace", "ended dirty", "the operator retries terminate-",
		"7 of 7: its grace ends", "a certificate proves it", "TERMINATED, certified, nothing left", "30 days pass, fast-forwarded"} {
		if !strings.Contains(p.out, says) {
			t.Errorf("it does not say %q", says)
		}
	}
	wantNothingPrivate(t, withoutLacks(p.out))
	if t.Failed() {
		t.Log(p.out)
	}
}

func TestUntilSuspended(t *testing.T) {
	t.Parallel()
	p := playDemo(lively(t, untilSuspended), &notifying{}, newInterrupts())
	if p.err != nil || p.code != exitDone {
		t.Errorf("ended with %d, %v", p.code, p.err)
	}
	for _, says := range []string{"is live: ACTIVE and healthy", "1 of 1: an operator suspends it", `mail "suspended-payment-2" to the admin: sent`,
		"answers 503", "acme-dental is SUSPENDED", "dns_target"} {
		if !strings.Contains(p.out, says) {
			t.Errorf("it does not say %q:\n%s", says, p.out)
		}
	}
}

// TestInterruptInLife: what runs comes to its end, and nothing after it begins; days that pass stop at once.
func TestInterruptInLife(t *testing.T) {
	t.Parallel()
	for word, c := range map[string]struct {
		until goal
		says  []string
	}{
		"-suspend-1 starts": {untilTerminated, []string{"Ctrl-C: the instance is ACTIVE, and suspend-", "it is SUSPENDED", "stopped before: an operator resumes it",
			"acme-dental is SUSPENDED"}},
		"7 days pass": {untilTerminated, []string{"Ctrl-C: the instance is ACTIVE, and nothing runs", "stopped on 20", "in stage notice", "is live"}},
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			stop := newInterrupts()
			out := &notifying{words: map[string]func(){word: func() { go stop.interrupt() }}}
			p := playDemo(lively(t, c.until), out, stop)
			if p.err != nil || p.code != exitFailed {
				t.Errorf("ended with %d, %v", p.code, p.err)
			}
			for _, says := range c.says {
				if !strings.Contains(p.out, says) {
					t.Errorf("it does not say %q:\n%s", says, p.out)
				}
			}
		})
	}
}

func TestSecondInterruptSaysWhatRan(t *testing.T) {
	t.Parallel()
	stop := newInterrupts()
	out := &notifying{words: map[string]func(){"-suspend-1 starts": func() { go func() { stop.interrupt(); stop.interrupt() }() }}}
	p := playDemo(lively(t, untilSuspended), out, stop)
	if p.err != nil || p.code != exitFailed || !strings.Contains(p.complaint, "left at once, while suspend-") || !strings.Contains(p.complaint, "vercel_project") {
		t.Errorf("ended with %d, %v: %s", p.code, p.err, p.complaint)
	}
}

// TestLifeThatComesToNothing: what a vendor refuses for good is given up, and said.
func TestLifeThatComesToNothing(t *testing.T) {
	t.Parallel()
	o := lively(t, untilSuspended)
	var err error
	if o.rules, err = sim.ParseRules("twilio.UpdateAccount=403@1+"); err != nil {
		t.Fatal(err)
	}
	p := playDemo(o, &notifying{}, newInterrupts())
	if p.err != nil || p.code != exitFailed || !strings.Contains(p.out, "given up: an operator suspends it") || !strings.Contains(p.out, "missed     an operator suspends it") {
		t.Errorf("ended with %d, %v: %s", p.code, p.err, p.out)
	}
}

// wholeLife is a life in short.
func wholeLife() report {
	r := dirty()
	noticed := at(600)
	r.Outcome, r.Incidents = outcomeTerminated, nil
	r.Instance.Instance = fleet.Instance{ID: "9f0c", State: fleet.Terminated, ActivatedAt: noon, Decommission: &fleet.Decommission{N: 2, Stage: fleet.Ended,
		KeyDestroyedAt: noon, Certificate: &fleet.Certificate{SHA256: strings.Repeat("c", 64)}}}
	r.Operation = &fleet.Operation{Outcome: fleet.Succeeded, StartedAt: noon}
	plan := fleet.PlanEnd(fleet.Instance{ID: "9f0c", State: fleet.Active}, []fleet.Resource{{Kind: fleet.SupabaseProject, Name: "gimbal-9f0c", Status: fleet.Created},
		{Kind: fleet.AdminUser, Name: "gimbal-9f0c", Status: fleet.Created}, {Kind: fleet.DNSRecord, Name: "acme-dental.gimbal.app", Status: fleet.Created}}, nil, true, fleet.DefaultPeriods(), noticed)
	sum := strings.Repeat("0123456789abcdef", 4)
	r.Life = &lifeReport{Until: untilTerminated, Turns: []turnReport{{"an operator decommissions it", noticed, 12.5}, {"its grace ends: it is terminated", noticed.Add(60 * day), 70}},
		Leaps: []leapReport{{noon, noon.Add(60 * day), ""}}, Operations: make([]fleet.Operation, 3), Plan: &plan,
		Export: &view.Export{Export: fleet.Export{Files: 3, Rows: 1, Bytes: 4096, Consistency: "snapshot", Manifest: sum},
			Content: []view.ExportFile{{Name: "database.sql", Bytes: 4000, SHA256: sum, Rows: 1}, {Name: "csv/public.profiles.csv", Bytes: 90, SHA256: sum, Rows: 1},
				{Name: "csv/public.calls.csv", Bytes: 6, SHA256: sum}}, Lacks: []string{"rights on objects of extensions: those are as the extension makes them"}},
		Certificate: &termination.Certificate{IssuedAt: noticed.Add(60 * day), AskedBy: "operator:ada", Kept: plan.Kept, Audit: fleet.Archived{Head: fleet.AuditHead{Seq: 140, Hash: sum}},
			Resources: []termination.Deleted{{Kind: fleet.DNSRecord, Vendor: "cloudflare", Name: "acme-dental.gimbal.app", ID: "77", Answer: 200, How: "deleted"},
				{Kind: fleet.SupabaseProject, Vendor: "supabase", Name: "gimbal-9f0c", ID: "abc", Answer: 200, How: "deleted"},
				{Kind: fleet.AdminUser, Vendor: "supabase", Name: "gimbal-9f0c", How: "went with its supabase_project"},
				{Kind: fleet.TwilioKey, Vendor: "twilio", Name: "gimbal-9f0c", How: "never was there"}}},
	}
	return r
}

func TestLifeSummaries(t *testing.T) {
	for _, width := range []int{0, 100} {
		var out bytes.Buffer
		summarise(&out, wholeLife(), width)
		golden(t, fmt.Sprintf("life-%d.txt", width), out.String())
		for line := range strings.Lines(out.String()) {
			if width > 0 && wide(strings.TrimRight(line, "\n")) >= width {
				t.Errorf("it has no room: %q", line)
			}
		}
	}
}

// TestProved: an end that lacks any part of its proof is none.
func TestProved(t *testing.T) {
	whole := func() report {
		r := wholeLife()
		r.Resources = []resourceReport{}
		for _, d := range r.Life.Certificate.Resources {
			r.Resources = append(r.Resources, resourceReport{Kind: d.Kind, Name: d.Name, Status: fleet.Removed})
		}
		return r
	}
	if r := whole(); judge(r) != outcomeTerminated {
		t.Errorf("%s", judge(r))
	}
	for name, c := range map[string]struct {
		lacks func(r *report)
		want  outcome
	}{
		"certificate": {func(r *report) { r.Life.Certificate = nil }, outcomeUnfinished},
		"stage":       {func(r *report) { r.Instance.Decommission.Stage = fleet.Terminating }, outcomeUnfinished},
		"key":         {func(r *report) { r.Instance.Decommission.KeyDestroyedAt = time.Time{} }, outcomeUnfinished},
		"line":        {func(r *report) { r.Life.Certificate.Resources = r.Life.Certificate.Resources[1:] }, outcomeUnfinished},
		"removal":     {func(r *report) { r.Resources[0].Held = []sim.Held{{ID: "77"}} }, outcomeDirty},
		"termination": {func(r *report) { r.Instance.State = fleet.Suspended }, outcomeSuspended},
	} {
		r := whole()
		if c.lacks(&r); judge(r) != c.want {
			t.Errorf("without its %s: %s", name, judge(r))
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{300 * time.Millisecond: "0.3s", 125 * time.Second: "2m05s", 90 * time.Minute: "90m00s",
		30*day + 12*time.Minute + 5*time.Second: "30d 00:12:05"} {
		if got := seconds(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{day: "1 day", 30*day - time.Second: "30 days"} {
		if got := days(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
