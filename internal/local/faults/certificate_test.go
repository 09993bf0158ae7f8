//go:build faults

package faults_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

// proved judges the proof of an end: the archived chain verifies, and the certificate tells of each entry of the ledger what the vendors'
// log of calls shows, and of each call that deleted something.
// False where there is no proof.
func (j *judgement) proved(i fleet.Instance, store files) bool {
	d := i.Decommission
	if d.Archived == nil || d.Certificate == nil {
		j.errorf("there is no proof: %+v", d)
		return false
	}
	j.chained(store[d.Archived.Key], *d.Archived)
	text := store[d.Certificate.Key]
	var c termination.Certificate
	ledger, err := j.w.Store.Resources(j.ctx, i.ID)
	if !j.check(json.Unmarshal(text, &c)) || !j.check(err) {
		return false
	}
	if digest(text) != d.Certificate.SHA256 || c.Audit.Head != d.Archived.Head || c.Export != d.FinalExport.Manifest || c.AskedBy != d.By || len(c.Resources) != len(ledger) {
		j.errorf("the certificate of %d entries is not that of %d: %s", len(c.Resources), len(ledger), text)
	}
	for _, line := range c.Resources {
		j.line(i, c, line)
	}
	if !slices.IsSortedFunc(c.Resources, func(a, b termination.Deleted) int { return a.At.Compare(b.At) }) {
		j.errorf("the certificate's lines are not in the order of their times")
	}
	for _, call := range j.calls {
		deletes := call.Method == http.MethodDelete && call.Status >= 200 && call.Status < 300
		if deletes && !slices.ContainsFunc(c.Resources, func(line termination.Deleted) bool { return about(call, line) }) {
			j.errorf("the certificate doesn't tell of %s %s", call.Method, call.Path)
		}
	}
	return true
}

// chained judges an archived chain.
func (j *judgement) chained(text []byte, a fleet.Archived) {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	entries := make([]fleet.AuditEntry, len(lines)-1)
	for n := range entries {
		j.check(json.Unmarshal(lines[n], &entries[n]))
	}
	var end struct{ Head fleet.AuditHead }
	j.check(json.Unmarshal(lines[len(lines)-1], &end))
	j.check(fleet.VerifyChain(entries, end.Head))
	if end.Head != a.Head || digest(text) != a.SHA256 {
		j.errorf("the archived chain ends with %+v, and %+v was told", end.Head, a.Head)
	}
}

// about tells whether a call was about what a line is of.
func about(call placedCall, line termination.Deleted) bool {
	return call.Vendor == line.Vendor && (line.ID != "" && strings.Contains(call.Path, line.ID) || strings.Contains(call.Path, line.Name))
}

// line judges one line of a certificate by the log: an answer that is told was given, to a deletion of that very thing, between the
// termination and the time that is told; without one the thing went with another, or was looked for.
func (j *judgement) line(i fleet.Instance, c termination.Certificate, line termination.Deleted) {
	outer, inside := fleet.Inside()[line.Kind]
	never := strings.HasPrefix(line.How, "never")
	shown := func(is func(call placedCall) bool) bool {
		return slices.ContainsFunc(j.calls, func(call placedCall) bool {
			return call.Vendor == line.Vendor && !call.Start.Before(i.TerminatedAt.Add(-bounds.Margin)) && !call.End.After(line.At.Add(bounds.Margin)) && is(call)
		})
	}
	switch {
	case line.At.Before(i.TerminatedAt.Add(-bounds.Margin)): // by clocks that are off
		j.errorf("the certificate tells of a time before the termination: %+v", line)
	case line.Answer != 0:
		if !shown(func(call placedCall) bool {
			return call.Method != http.MethodGet && call.Status == line.Answer && about(call, line)
		}) {
			j.errorf("no vendor gave the answer that the certificate tells: %+v", line)
		}
	case inside:
		if !slices.ContainsFunc(c.Resources, func(with termination.Deleted) bool {
			return with.Kind == outer && !with.At.After(line.At.Add(bounds.Margin))
		}) {
			j.errorf("it went with nothing that the certificate tells: %+v", line)
		}
	case !shown(func(call placedCall) bool { return call.Method == http.MethodGet && call.Status != 0 }):
		j.errorf("nobody looked for it: %+v", line)
	}
	lost := slices.Contains(j.journal, happened{"lost", string(line.Kind) + "/" + line.Name})
	held := j.base.holds[string(line.Kind)+"/"+line.Name]
	if held && !lost || never && held {
		j.errorf("its vendor still has it, or had it: %+v", line)
	}
}
