//go:build faults

package faults_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
)

// ending judges a part of an end: what the instance is, at the vendors as in the ledger, and that nothing was lost before its time.
func (j *judgement) ending(want map[string]int) verdict {
	id := j.base.subject
	i, err := j.w.Store.Instance(j.ctx, id)
	if !j.check(err) || i == nil {
		return verdict{Outcome: "!", Violations: append(j.wrong, "there is no instance")}
	}
	v := verdict{Outcome: j.stands(*i), Seconds: max(0, int(j.ended().Sub(j.approved).Round(time.Second)/time.Second))}
	if i.Operation != "" || i.Unfinished != "" {
		j.errorf("%q holds the lease, %q is unfinished", i.Operation, i.Unfinished)
	}
	if v.Outcome == "T" || v.Outcome == "R" {
		want = nil
	}
	if i.State == fleet.Suspended && (i.Progress.Reason == "" || i.Progress.NextAction == "") {
		j.errorf("it rests without reason or next action: %+v", i.Progress)
	}
	j.check(j.stuck(*i))
	j.cancelled(v.Outcome)
	j.held(id, want)
	j.check(j.deliver())
	j.messages(id, true)
	j.executions()
	j.recheck(id)
	j.held(id, want)
	j.claim(i, want != nil)
	j.audit(id)
	j.led()
	files, err := j.stored()
	if !j.check(err) {
		return v
	}
	j.kept(files)
	j.exported(*i, files[exports])
	if want != nil || j.proved(*i, files[archive]) {
		j.ordered(*i, files)
	}
	if i.Decommission != nil {
		j.told(*i)
		j.scheduled(*i)
	}
	v.Violations = append(j.wrong, j.neighbour()...)
	return v
}

// stands tells how an instance stands, and judges that it is so at every vendor.
func (j *judgement) stands(i fleet.Instance) string {
	d := i.Decommission
	switch {
	case d == nil:
		j.exact()
		return "E"
	case d.Stage == fleet.Ended && i.State == fleet.Terminated:
		j.keyGone(i.ID)
		if j.retried {
			return "R"
		}
		return "T"
	case d.Stage == fleet.InGrace && i.State == fleet.Suspended:
		j.set(i, fleet.Stopped)
		return "G"
	case d.Stage == fleet.InNotice && i.State == d.Before:
		j.as(i)
		return "N"
	case d.Stage == fleet.Withdrawn && i.State == d.Before:
		j.as(i)
		return map[fleet.State]string{fleet.Active: "A", fleet.Suspended: "S"}[i.State]
	}
	j.errorf("it is %s, in stage %s: %+v", i.State, d.Stage, i.Progress)
	return "!"
}

// as judges that an instance is exactly what it was before its decommission.
func (j *judgement) as(i fleet.Instance) {
	j.set(i, map[fleet.State]fleet.Setting{fleet.Active: fleet.Serving, fleet.Suspended: fleet.Stopped}[i.State])
	j.exact()
}

// ended is when the last of the subject's operations ended.
func (r *run) ended() (last time.Time) {
	all, _ := r.w.Store.Operations(r.ctx, r.base.subject)
	for _, o := range all {
		if o.EndedAt.After(last) {
			last = o.EndedAt
		}
	}
	return last
}

// cancelled judges that a cancelling was taken where the instance is what it was, and refused where it is too late, or where there is
// nothing to cancel, with words that say so.
func (j *judgement) cancelled(outcome string) {
	for _, a := range j.answers {
		refused := a.status == http.StatusConflict && (strings.Contains(a.text, "TERMINATED") || strings.Contains(a.text, "not being decommissioned"))
		if taken := a.status == http.StatusAccepted; taken != (outcome == "A" || outcome == "S") || !taken && !refused {
			j.errorf("it ends as %s, and who cancelled it was answered with %v", outcome, a)
		}
	}
}

// told judges that the customer was told what is so, each once, and nothing else.
func (j *judgement) told(i fleet.Instance) {
	d := i.Decommission
	notice, err := j.w.Store.Message(j.ctx, i.ID, fleet.EndMessage(fleet.NoticeGiven, d.N))
	reached := j.check(err) && notice != nil && notice.Status != fleet.MessageFailed
	for text, want := range map[string]bool{
		fleet.NoticeGiven:  d.Given(),
		fleet.GraceBegun:   d.FinalExport != nil,
		fleet.EndWithdrawn: d.Stage == fleet.Withdrawn && reached,
	} {
		m, err := j.w.Store.Message(j.ctx, i.ID, fleet.EndMessage(text, d.N))
		moot := m == nil && d.Stage == fleet.Withdrawn && text != fleet.EndWithdrawn // it was withdrawn before that was sent
		if j.check(err) && (m != nil) != want && !moot {
			j.errorf("in stage %s message %s is %+v", d.Stage, text, m)
		}
	}
}

// scheduled judges that the calendar and the sweep have what is to come, and nothing of what isn't.
func (j *judgement) scheduled(i fleet.Instance) {
	d := i.Decommission
	due, err := j.due(i.ID)
	if open := d.Stage == fleet.InNotice || d.Stage == fleet.InGrace; j.check(err) && due != open {
		j.errorf("in stage %s it is due: %t", d.Stage, due)
	}
	now := j.w.Calendar()
	for kind, at := range map[fleet.OperationKind]time.Time{fleet.Close: d.NoticeEnds, fleet.Terminate: d.GraceEnds} {
		is, there := now[fleet.ScheduleName(kind, i.ID)]
		wanted := d.Stage == fleet.InNotice || d.Stage == fleet.InGrace && kind == fleet.Terminate
		if there != wanted || there && !is.Equal(at) {
			j.errorf("in stage %s the schedule of %s is at %s, want %s", d.Stage, kind, is, at)
		}
	}
	for name, at := range j.base.calendar {
		if strings.HasSuffix(name, j.base.neighbour) && !now[name].Equal(at) {
			j.errorf("the neighbour's schedule %s is at %s, and was at %s", name, now[name], at)
		}
	}
}

// kept judges that no file that was there was changed, and that what is new is the subject's.
func (j *judgement) kept(now map[string]files) {
	for name, store := range now {
		for key, content := range j.base.files[name] {
			if string(store[key]) != string(content) && !strings.HasPrefix(key, fleet.ProgressFolder) {
				j.errorf("%s had %s, and has %d bytes of it", name, key, len(store[key]))
			}
		}
		for key := range store {
			if _, was := j.base.files[name][key]; !was && !strings.Contains(key, j.base.subject) {
				j.errorf("%s has, and had not: %s", name, key)
			}
		}
	}
}

// manifest is what of an export's manifest is judged.
type manifest struct {
	Files []struct {
		Name   string `json:"name"`
		Bytes  int64  `json:"bytes"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// exported judges that each export that the records call verified is there, file by file, and that each by which the decommission goes is
// one of them. Whom one was made for is told.
func (j *judgement) exported(i fleet.Instance, store files) {
	all, err := j.w.Store.Exports(j.ctx, i.ID)
	j.check(err)
	if d := i.Decommission; d != nil {
		for _, by := range []*fleet.VerifiedExport{d.FirstExport, d.FinalExport} {
			if by != nil && !slices.ContainsFunc(all, func(e fleet.Export) bool {
				return e.ID == by.ID && e.Folder == by.Folder && e.Manifest == by.Manifest && e.Status == fleet.ExportVerified
			}) {
				j.errorf("there is no export %+v", by)
			}
		}
	}
	for _, e := range all {
		if e.Status != fleet.ExportVerified {
			continue
		}
		m, err := j.w.Store.Message(j.ctx, i.ID, fleet.ExportReady(e.ID))
		if j.check(err) && (m != nil) != (e.Purpose == fleet.OnRequest) {
			j.errorf("export %s is told by %+v", e.ID, m)
		}
		text := store[e.Folder+"manifest.json"]
		var told manifest
		if digest(text) != e.Manifest || json.Unmarshal(text, &told) != nil || len(told.Files) < 3 {
			j.errorf("the manifest of %s is not what was verified: %s", e.ID, text)
		}
		for _, f := range told.Files {
			if content := store[e.Folder+f.Name]; digest(content) != f.SHA256 || int64(len(content)) != f.Bytes {
				j.errorf("%s of %s is not what its manifest says", f.Name, e.ID)
			}
		}
	}
}

// keyGone judges that what was sealed for an instance can't be read any more.
func (j *judgement) keyGone(id string) {
	s, err := j.w.Store.Signup(j.ctx, id)
	if !j.check(err) {
		return
	}
	if _, err := step.OpenApplicant(j.ctx, step.Env{Vault: seal.New(j.options.Keys, j.options.KeyEncryptionKey)}, *s); err == nil {
		j.errorf("the applicant's data can be read after the end")
	}
}

// led judges that no DNS record outlived its target, at any time.
func (j *judgement) led() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := slices.IndexFunc(j.journal, func(h happened) bool { return h.what == "dangles" }); n >= 0 {
		j.errorf("DNS record %s outlives its target", j.journal[n].to)
	}
}

// ordered judges by what happened, in its order: nothing was lost but in a termination that had looked at the final export before, and the
// key went last, after the archive was written.
func (j *judgement) ordered(i fleet.Instance, store map[string]files) {
	j.mu.Lock()
	journal := slices.Clone(j.journal)
	j.mu.Unlock()
	first, last := -1, -1
	for n, h := range journal {
		if h.what == "lost" || h.what == "destroyed" {
			if last = n; first < 0 {
				first = n
			}
		}
	}
	if i.State != fleet.Terminated {
		if first >= 0 {
			j.errorf("it is %s, and %s was %s", i.State, journal[first].to, journal[first].what)
		}
		return
	}
	if first < 0 || journal[last].what != "destroyed" {
		j.errorf("the key didn't go last: %v", journal)
		return
	}
	for _, proof := range []string{i.Decommission.Archived.Key, i.Decommission.Certificate.Key} {
		if n := slices.Index(journal, happened{"written", archive + "/" + proof}); n < 0 || n > last {
			j.errorf("the key went before %s was written", proof)
		}
	}
	final := i.Decommission.FinalExport
	var m manifest
	j.check(json.Unmarshal(store[exports][final.Folder+"manifest.json"], &m))
	wanted := []happened{{"read", exports + "/" + final.Folder + "manifest.json"}}
	for _, f := range m.Files {
		wanted = append(wanted, happened{"looked", exports + "/" + final.Folder + f.Name})
	}
	for _, h := range wanted {
		if at := slices.Index(journal, h); at < 0 || at > first {
			j.errorf("%s was %s before anybody had %s %s", journal[first].to, journal[first].what, h.what, h.to)
		}
	}
}
