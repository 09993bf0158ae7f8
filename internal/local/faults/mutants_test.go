//go:build mutants

package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var oneMutant = flag.String("mutants.run", "", "tries the mutants only whose rule contains this")

// mutant is a rule of the ledger protocol switched off: a change of a source file, which the compiler is given in the file's place.
type mutant struct {
	rule string
	// sooner matches the cases that are likely to miss it, which are played first.
	sooner string
	file   string // from the repository's root
	// edits are pairs of texts, each of which is in the file once, and what takes its place.
	edits []string
	// of is the workflow whose cases are to miss it; empty for a provisioning and its take-down.
	of string
}

// mutants are the rules that the ledger protocol was checked without, too. One is missing, that a commit proves the attempt's nonce:
// what it refuses, the store refuses as well, since the entry isn't the version any more that was read.
func mutants() []mutant {
	const (
		ensure   = "internal/step/ensure.go"
		remove   = "internal/step/remove.go"
		run      = "internal/step/run.go"
		send     = "internal/step/send.go"
		teardown = "internal/steps/operation/teardown.go"
		switches = "internal/step/switch.go"
		undoing  = "internal/steps/operation/switching.go"
		removal  = "statemachines/teardown.asl.json"
		confirm  = "internal/steps/termination/termination.go"
		cancel   = "internal/steps/operation/withdraw.go"
		notice   = "internal/steps/decommission/notice.go"
	)
	const sets = "done = true\n\t\t\treturn nil\n\t\t" // where a switch is set, not where it goes with what is gone
	const waits = "case a != nil && a.Nonce != r.nonce && !tx.Now().After(res.landed(a)):"
	of := func(workflow string, m mutant) mutant { m.of = workflow; return m }
	return []mutant{
		{"the quiet period is waited out", `delayed`, ensure, []string{"a.Deadline.Add(r.quiet() + bounds.Margin)", "a.Deadline.Add(bounds.Margin)"}, ""},
		{"the margin is twice the skew", `delayed`, ensure, []string{"a.Deadline.Add(r.quiet() + bounds.Margin)", "a.Deadline.Add(r.quiet())"}, ""},
		{"what is unsure stays so when an attempt ends", `delayed`, ensure, []string{"e.Attempt = nil\n\t\tif conflicted {",
			"e.Attempt, e.LookUntil, e.Unknown = nil, time.Time{}, false\n\t\tif conflicted {"}, ""},
		{"Ensure waits out the lists' lag", `delayed`, ensure, []string{"res.landed(a).Add(bounds.Lag))", "res.landed(a))"}, ""},
		{"Remove waits out the lists' lag", `delayed`, remove, []string{"res.landed(entry.Attempt).Add(bounds.Lag)", "res.landed(entry.Attempt)"}, ""},
		{"Remove waits out the attempt", `delayed`, remove, []string{"now.After(landed) && now.After(entry.LookUntil)", "(now.After(landed) || true) && now.After(entry.LookUntil)"}, ""},
		{"the epoch is the input's", `=passed`, run, []string{
			"\t\ttx.Prove(in.Epoch)\n", "\t\tif now, err := tx.Epoch(); err == nil {\n\t\t\ttx.Prove(now)\n\t\t}\n",
			"\t\ttx.Prove(r.Input.Epoch)\n", "\t\tif now, err := tx.Epoch(); err == nil {\n\t\t\ttx.Prove(now)\n\t\t}\n"}, ""},
		{"the intent proves the epoch", `=(overtaken|passed)`, ensure, []string{"var entry fleet.Resource\n\terr := r.Update(ctx, func(", "var entry fleet.Resource\n\terr := r.Store.Update(ctx, r.Input.InstanceID, func("}, ""},
		{"the commit proves the epoch", `=overtaken`, ensure, []string{"\treturn r.Update(ctx, func(tx *store.Tx) error {\n\t\te, err := tx.Resource(res.Kind, res.Name)\n\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n\t\tif e != nil && e.Status == fleet.Created",
			"\treturn r.Store.Update(ctx, r.Input.InstanceID, func(tx *store.Tx) error {\n\t\te, err := tx.Resource(res.Kind, res.Name)\n\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n\t\tif e != nil && e.Status == fleet.Created"}, ""},
		{"the activation proves the epoch", `activate-instance.*=taken-over`, "internal/steps/instance/instance.go", []string{"return run.Update(ctx, func(tx *store.Tx) error {\n\t\t\tinstance, err := tx.Instance()",
			"return run.Store.Update(ctx, run.Input.InstanceID, func(tx *store.Tx) error {\n\t\t\tinstance, err := tx.Instance()"}, ""},
		{"a take-over needs PROVISIONING: the activation is the point of no return", `notify-customer.*=(taken-over|overtaken|passed)`, teardown, []string{"return i.State == fleet.Provisioning || o.Kind", "return i.State != fleet.Terminated || o.Kind"}, ""},
		{"a time-out is not taken as nothing having happened", `(lost|500-after|late)@`, ensure, []string{"\tdefault:\n\t\treturn &fault.Error{Code: fault.NotReady, Text: \"whether \" + res.subject() + \" was made",
			"\tdefault:\n\t\t_ = r.end(ctx, res, false)\n\t\treturn &fault.Error{Code: fault.NotReady, Text: \"whether \" + res.subject() + \" was made"}, ""},
		{"the intent refuses what is created", `=twice`, ensure, []string{"case e.Status == fleet.Created:\n\t\t\tentry = *e\n\t\t\treturn nil\n\t\tcase e.Status != fleet.Intended:", "case e.Status != fleet.Intended && e.Status != fleet.Created:",
			"e.Attempt = &fleet.Attempt{Nonce: r.nonce, Deadline: r.deadline}", "e.Status, e.Attempt = fleet.Intended, &fleet.Attempt{Nonce: r.nonce, Deadline: r.deadline}"}, ""},
		{"what is already gone is looked for by name", `Delete|remove`, remove, []string{"\t\t\tbyID, entry.Answer = false, answer\n\t\t}\n", "\t\t\treturn r.gone(ctx, entry)\n\t\t}\n"}, ""},
		{"reconcile", `=stopped`, "internal/steps/operation/reconcile.go", []string{"return unlessStale(goOn(ctx, env, *o))", "return nil"}, ""},
		{"Remove leaves Ensure's attempt", `delayed`, remove, []string{"func (r *Run) doomed(ctx context.Context, res Resource, entry fleet.Resource, byID bool) ([]string, error) {\n\tif err := r.Update(ctx, func(*store.Tx) error { return nil });",
			"func (r *Run) doomed(ctx context.Context, res Resource, entry fleet.Resource, byID bool) ([]string, error) {\n\tif err := r.Update(ctx, func(tx *store.Tx) error {\n\t\te, err := tx.Resource(entry.Kind, entry.Name)\n\t\tif err != nil || e == nil || e.Attempt == nil {\n\t\t\treturn err\n\t\t}\n\t\te.Attempt = nil\n\t\treturn tx.PutResource(e)\n\t});"}, ""},
		{"an unknown message is never sent again", `SendMail`, send, []string{"return fleet.MessageUnknown, s.conclude(ctx, m, fleet.MessageUnknown, \"\")",
			"return fleet.MessageIntended, errors.Join(err, s.conclude(ctx, m, fleet.MessageIntended, \"\"))"}, ""},
		{"a message whose sender died is never sent again", `notify-customer.*crash`, send, []string{"done = true\n\t\t\treturn s.settle(tx, there, fleet.MessageUnknown, \"\")\n", ""}, ""},
		of("suspend", mutant{"a switch waits out the attempt before it", `UpdateSubuser=denied|403`, switches, []string{sets + waits, sets + "case false:"}, ""}),
		of("suspend", mutant{"what an attempt may have switched is unknown", `UpdateSubuser=denied|403`, switches, []string{
			"case e.Setting() == s.To:\n\t\t\tdone = true", "case e.Attributes[fleet.Is] == string(s.To):\n\t\t\tdone = true"}, ""}),
		of("suspend", mutant{"what is done is not undone", `(mark-suspended|announce|end-operation).*=(taken-over|overtaken|passed)`, undoing, []string{
			"o.Phase != fleet.Undoing && !o.Done(i)", "o.Phase != fleet.Undoing"}, ""}),
		of("suspend", mutant{"what was before is kept", `.`, switches, []string{"e.Attributes[before] = read", "_ = read"}, ""}),
		of("resume", mutant{"only what was written over is restored", `.`, switches, []string{"kept = e.Attributes[before]", "kept = \"{}\""}, ""}),
		of("resume", mutant{"a suspension that died is begun again", `=stopped`, "internal/steps/operation/reconcile.go", []string{
			"return unlessStale(goOn(ctx, env, *o))", "return nil"}, ""}),
		of("terminate", mutant{"a termination looks at the final export", `.`, confirm, []string{
			"wrong, err := compare(ctx, run, *run.Instance.Decommission.FinalExport)", "wrong, err := \"\", error(nil)"}, ""}),
		of("terminate", mutant{"a host name goes before what it leads to", `.`, removal, []string{
			`"BooleanEquals": true }], "Next": "RemoveDNSAtEnd"`, `"BooleanEquals": true }], "Next": "RemoveFrontendAtEnd"`,
			`"Next": "RemoveEmailAccountAtEnd"`, `"Next": "RemoveDNSAtEnd"`,
			"\n      \"Next\": \"RemoveFrontendAtEnd\"", "\n      \"Next\": \"RemoveEmailAccountAtEnd\""}, ""}),
		of("terminate", mutant{"the certificate tells what the vendor answered", `.`, "internal/step/remove.go", []string{
			"if e.Answer = answer; e.Status", "if e.Answer = 200; e.Status"}, ""}),
		of("terminate", mutant{"a grace that was cancelled is not terminated", `(mark-terminated).*=(taken-over|overtaken)`, confirm, []string{
			"barrier, err := operation.Barred(tx, *instance, run.Settings)\n", "var barrier *operation.Barrier\n",
			"\t\treturn run.Update(ctx, func(tx *store.Tx) error {\n\t\t\tinstance, err := tx.Instance()\n\t\t\tif err != nil || instance.State",
			"\t\treturn run.Store.Update(ctx, run.Instance.ID, func(tx *store.Tx) error {\n\t\t\tinstance, err := tx.Instance()\n\t\t\tif err != nil || instance.State"}, ""}),
		of("cancel-grace", mutant{"a cancelling clears the calendar", `.`, cancel, []string{
			"if err := Unschedule(ctx, env, instanceID); err != nil {", "if err := error(nil); err != nil {"}, ""}),
		of("decommission", mutant{"what was cancelled meanwhile is not scheduled", `schedule-ends.*=(taken-over|passed)`, notice, []string{
			"case now == nil || !now.Decommission.Open():", "case now == nil:"}, ""}),
		of("decommission", mutant{"a seal whose answer was lost is one", `seal-export.*=answer-lost`, "internal/steps/export/seal.go", []string{
			"if e.Status == fleet.ExportSealed && e.Manifest == sealed.SHA256 {", "if false {"}, ""}),
		of("close", mutant{"a grace begins once, by the export that was verified", `.`, notice, []string{
			"d.Grace(made, fleet.DefaultPeriods(), tx.Now())", "made.Manifest = \"\"\n\t\t\td.Grace(made, fleet.DefaultPeriods(), tx.Now())"}, ""}),
		of("close", mutant{"a closing that died is gone on with", `=stopped`, "internal/steps/operation/reconcile.go", []string{
			"return unlessStale(goOn(ctx, env, *o))", "return nil"}, ""}),
	}
}

// TestEachRuleIsNeeded switches the protocol's rules off, one at a time: the matrix must fail each time.
func TestEachRuleIsNeeded(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants() {
		if !strings.Contains(m.rule, *oneMutant) {
			continue
		}
		t.Run(m.rule, func(t *testing.T) {
			said := m.play(t, root)
			violation := missed().FindIndex(said)
			if violation == nil {
				t.Fatalf("the matrix doesn't miss the rule:\n%s", said)
			}
			t.Logf("%.600s", said[violation[0]:])
		})
	}
}

// missed finds what is said of a run that misses a rule, be it one without faults of its own.
var missed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`make faults ARGS=|without faults it ends as`) })

// play builds the matrix with the mutant, and gives what it says by its first violation.
func (m mutant) play(t *testing.T, root string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "matrix")
	build := exec.CommandContext(t.Context(), "go", "test", "-tags", "faults", "-vet=off", "-overlay", m.overlay(t, root), "-c", "-o", program, ".")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the mutant doesn't build: %s", said)
	}
	said, err := exec.CommandContext(context.WithoutCancel(t.Context()), program, "-test.run", "EveryFault", "-faults.first", "-faults.of", m.of, "-faults.sooner", m.sooner, "-test.timeout", "15m").CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	return said
}

// overlay writes the changed file, and what tells the compiler of it.
func (m mutant) overlay(t *testing.T, root string) string {
	t.Helper()
	original := filepath.Join(root, m.file)
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(m.edits); i += 2 {
		if n := bytes.Count(text, []byte(m.edits[i])); n != 1 {
			t.Fatalf("%s has %d times: %s", m.file, n, m.edits[i])
		}
		text = bytes.Replace(text, []byte(m.edits[i]), []byte(m.edits[i+1]), 1)
	}
	dir := t.TempDir()
	changed, list := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err := errors.Join(err, os.WriteFile(changed, text, 0o600), os.WriteFile(list, replace, 0o600)); err != nil {
		t.Fatal(err)
	}
	return list
}
