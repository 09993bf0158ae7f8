package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stage is how far the end of an instance's life has come.
type Stage string

const (
	// InNotice: the customer was told, or is being told; everything goes on as before.
	InNotice Stage = "notice"
	// InClosing: the notice is over; the instance is being switched off, and its final export made.
	InClosing Stage = "closing"
	// InGrace: it is off, the final export is there, and the customer can still come for it.
	InGrace Stage = "grace"
	// Terminating: grace is over, and what can't be undone begins, or has begun.
	Terminating Stage = "terminating"
	// Ended: nothing is left, and the certificate says so.
	Ended Stage = "ended"
	// Withdrawn: an operator cancelled it, and the instance is what it was.
	Withdrawn Stage = "withdrawn"
)

// Stages lists the stages of a decommission that was not withdrawn, by its way.
func Stages() []Stage { return []Stage{InNotice, InClosing, InGrace, Terminating, Ended} }

// Decommission is the end of an instance's life: what was decided, how far it is, and what proves it.
type Decommission struct {
	// N counts the instance's decommissions, from 1: the ids of its operations hold it.
	N      int    `json:"n"`
	Stage  Stage  `json:"stage"`
	Reason string `json:"reason"` // the operator's own, for other operators
	By     string `json:"by"`     // as in the audit: "operator:…"
	// Before is what the instance was before it was closed, and is again where the decommission is withdrawn.
	Before State `json:"before"`
	// NoticeAt is when it was decided, and once the notice is given when that was: the periods run from there.
	NoticeAt   time.Time `json:"notice_at"`
	NoticeEnds time.Time `json:"notice_ends"`
	GraceEnds  time.Time `json:"grace_ends"`
	// ToldAt is when the customer was told of the notice: when its message was surely sent, or an operator said that they told them
	// by hand. Nothing is switched off before, and the notice runs whole from then.
	ToldAt time.Time `json:"told_at,omitzero"`
	// FirstExport is the one that came with the notice, nil before that was given; FinalExport, made once nothing was written any more, authorises the deletion.
	FirstExport *VerifiedExport `json:"first_export,omitempty"`
	FinalExport *VerifiedExport `json:"final_export,omitempty"`
	// Sourceless: no final export can be made, since somebody has removed the instance's project at the vendor.
	Sourceless bool `json:"sourceless,omitempty"`
	// Accepted is an operator's word that an export suffices for the deletion which isn't all that a final one has to be.
	Accepted *Acceptance `json:"accepted,omitempty"`
	// Second is the other operator who approved the termination, on a day of more of them than one decides alone.
	Second string `json:"second,omitempty"`
	// Archived, Certificate, KeyDestroyedAt and Sealed are the proof, in the order in which they come. Archived is the audit chain that the
	// certificate names; Sealed is the same one again, whole, with the certificate's issue and the key's destruction.
	Archived       *Archived    `json:"archived,omitempty"`
	Certificate    *Certificate `json:"certificate,omitempty"`
	KeyDestroyedAt time.Time    `json:"key_destroyed_at,omitzero"`
	Sealed         *Archived    `json:"sealed,omitempty"`
}

// Open reports whether the decommission is under way: neither ended nor withdrawn. A nil one is not.
func (d *Decommission) Open() bool {
	return d != nil && d.Stage != Ended && d.Stage != Withdrawn
}

// Ends is when the stage is over, by the calendar: the notice, or the grace. Zero for a stage that no time ends, and without a decommission.
func (d *Decommission) Ends() time.Time {
	switch {
	case d == nil:
		return time.Time{}
	case d.Stage == InNotice && d.Given():
		return d.NoticeEnds
	case d.Stage == InGrace:
		return d.GraceEnds
	}
	return time.Time{}
}

// lateNotice is how late the customer may be told without the notice's running anew.
const lateNotice = time.Hour

// Postpone has the periods run from now, where the notice is told of later than it was given but for lateNotice; it reports whether.
func (d *Decommission) Postpone(p Periods, now time.Time) bool {
	if d.Stage != InNotice || !d.ToldAt.IsZero() || !now.After(d.NoticeAt.Add(lateNotice)) {
		return false
	}
	d.run(p, now)
	return true
}

// Tell notes that the customer was told of the notice. Only the first time counts.
func (d *Decommission) Tell(now time.Time) {
	if d.ToldAt.IsZero() {
		d.ToldAt = now
	}
}

// Told reports whether the customer was told of the notice, by its mark or, for one of before there was that, by a message that was sent.
func (d *Decommission) Told(messages []Message) bool {
	return !d.ToldAt.IsZero() || slices.ContainsFunc(messages, func(m Message) bool {
		return OriginalMessage(m.ID) == EndMessage(NoticeGiven, d.N) && m.Status == MessageSent
	})
}

// Given reports whether the customer was given notice, in the change that recorded the first export.
func (d *Decommission) Given() bool { return d.FirstExport != nil }

// Decide is the decommission of an instance that is decided now.
func Decide(i Instance, reason, by string, p Periods, now time.Time) *Decommission {
	d := &Decommission{N: 1, Stage: InNotice, Reason: reason, By: by, Before: i.State}
	if i.Decommission != nil {
		d.N = i.Decommission.N + 1
	}
	d.run(p, now)
	return d
}

// Give gives the notice, now that its export was verified: the periods run from here.
func (d *Decommission) Give(first VerifiedExport, p Periods, now time.Time) {
	d.FirstExport = &first
	d.run(p, now)
}

func (d *Decommission) run(p Periods, from time.Time) {
	d.NoticeAt, d.NoticeEnds, d.GraceEnds = from, from.Add(p.Notice), from.Add(p.Notice+p.Grace)
}

// lateClose is how late an instance may be closed without its customer's having less grace than was promised, but for that.
const lateClose = 24 * time.Hour

// Grace begins the grace, now that the final export was verified. Where the instance was closed late it runs from here, so that it is as
// long as was promised. An export that replaces one whose time was over changes nothing of it.
func (d *Decommission) Grace(final VerifiedExport, p Periods, now time.Time) {
	if d.FinalExport == nil && now.After(d.NoticeEnds.Add(lateClose)) {
		d.GraceEnds = now.Add(p.Grace)
	}
	d.FinalExport, d.Stage, d.Sourceless = &final, InGrace, false
}

// Acceptance is an operator's word that an export suffices for the deletion.
type Acceptance struct {
	Export string    `json:"export"` // its id
	By     string    `json:"by"`     // as in the audit: "operator:…"
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
}

// Wanting is the export that suffices for the deletion only on an operator's word, and what it lacks; nil where none does.
func (d *Decommission) Wanting() (e *VerifiedExport, lacks string) {
	switch {
	case !d.Open():
		return nil, ""
	case d.Sourceless && d.FinalExport != nil:
		e, lacks = d.FinalExport, "its project is gone, and its final export can't be made anew before it is deleted"
	case d.Sourceless:
		e, lacks = d.FirstExport, "its project is gone, so that no final export can be made"
	case d.FinalExport != nil && len(d.FinalExport.Lost) > 0:
		e, lacks = d.FinalExport, "its final export lacks "+strings.Join(d.FinalExport.Lost, ", ")
	}
	if e == nil || d.Accepted != nil && d.Accepted.Export == e.ID {
		return nil, ""
	}
	return e, lacks
}

// Accept is an operator's word that the export which is Wanting suffices. Where it is the first one, the grace begins with it.
func (d *Decommission) Accept(a Acceptance, p Periods) {
	d.Accepted = &a
	if d.Stage == InClosing && d.Sourceless && d.FirstExport != nil {
		d.Grace(*d.FirstExport, p, a.At)
		d.Sourceless = true
	}
}

// Renewal reports whether the final export is about to be deleted, or was: another one has to be made before the end, if it can be.
func (d *Decommission) Renewal(now time.Time) bool {
	return d.FinalExport != nil && !(d.Sourceless && d.Accepted != nil && d.Accepted.Export == d.FinalExport.ID) && now.After(d.FinalExport.VerifiedAt.Add(KeepEndExports-renewEarly))
}

// renewEarly is how long before its files are deleted a final export is made anew.
const renewEarly = 7 * 24 * time.Hour

// VerifiedExport is an export all of whose files were found as its manifest tells them.
type VerifiedExport struct {
	ID string `json:"id"`
	// Folder is where its files are among the exports: what their keys begin with, "/" at its end.
	Folder string `json:"folder"`
	// Manifest is the SHA-256 of its manifest, in hex.
	Manifest string `json:"manifest_sha256"`
	// Objects is the fingerprint of the files as they were when all were read: whatever is written over them since gives another.
	Objects string `json:"objects,omitempty"`
	// Lost is the export's: what it should hold, and doesn't.
	Lost       []string  `json:"lost,omitempty"`
	VerifiedAt time.Time `json:"verified_at"`
}

// Lacking says of an accepted export what it isn't.
func (e VerifiedExport) Lacking(first *VerifiedExport) string {
	var lacks []string
	if first != nil && first.ID == e.ID {
		lacks = append(lacks, "it is the one that came with the notice: the project was gone before another could be made")
	}
	if len(e.Lost) > 0 {
		lacks = append(lacks, "it lacks "+strings.Join(e.Lost, ", "))
	}
	if len(lacks) == 0 {
		lacks = append(lacks, "the project was gone before it could be made anew")
	}
	return strings.Join(lacks, "; ")
}

// Archived is where the audit chain is kept that outlasts the instance.
type Archived struct {
	Key    string    `json:"key"` // in the archive
	Head   AuditHead `json:"head"`
	SHA256 string    `json:"sha256"` // of the file, in hex
	At     time.Time `json:"at"`
}

// Certificate is where the proof of the deletion is kept.
type Certificate struct {
	Key    string    `json:"key"`  // in the archive: its JSON
	Page   string    `json:"page"` // in the archive: the same for people
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
}

// Hold is a legal hold: while it stands nothing of the instance is deleted.
type Hold struct {
	By    string    `json:"by"` // as in the audit: "operator:…"
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// Due is the one time at which something is next to be done about an instance's end: the end of its notice, or of its grace.
type Due struct {
	InstanceID string    `json:"instance_id"`
	At         time.Time `json:"at"`
}

// NumberedID is the id of the operation of a kind that belongs to an instance's nth decommission. There is one, so beginning it twice
// finds the first.
func NumberedID(kind OperationKind, instanceID string, n int) string {
	return fmt.Sprintf("%s-%s-n%d", kind, instanceID, n)
}

// ScheduleName is the name of the one-time schedule at which a kind of operation begins: 64 characters at most.
func ScheduleName(kind OperationKind, instanceID string) string {
	return string(kind) + "-" + instanceID
}

// Termination is what a day's guard counts: an instance that was marked, or an orphan whose deletion can't be undone and was asked for.
type Termination struct {
	InstanceID string `json:"instance_id"`
	// Orphan is its kind and name; empty for the instance itself.
	Orphan string    `json:"orphan,omitempty"`
	At     time.Time `json:"at"`
	// Seen: terminations were thawed since. Whoever did that has looked at it, and it makes no anomaly any more.
	Seen bool `json:"seen,omitempty"`
}

// TerminationsADay is how many instances are terminated within a day on one operator's word, unless set otherwise. More than twice as
// many are an anomaly, whoever approves them, until somebody has looked and thawed.
const TerminationsADay = 3

// CountingDay is how long a termination counts.
const CountingDay = 24 * time.Hour

// Within are those terminations of a list that count at a time, without one.
func Within(all []Termination, now time.Time, but Termination) []Termination {
	var counted []Termination
	for _, t := range all {
		if (t.InstanceID != but.InstanceID || t.Orphan != but.Orphan) && t.At.After(now.Add(-CountingDay)) {
			counted = append(counted, t)
		}
	}
	return counted
}

// Unseen counts those of a list that nobody has looked at.
func Unseen(all []Termination) (n int) {
	for _, t := range all {
		if !t.Seen {
			n++
		}
	}
	return n
}
