// Package view holds the documents of the operators' API: what its functions answer, and fleetctl and the console show.
// They hold ids, codes and reasons; no secret, and no applicant's data but in Signups, by which
// operators decide.
package view

import (
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// Fleet is the answer to GET /instances: everything that was signed up for, newest first, and what is frozen.
type Fleet struct {
	Instances []Row          `json:"instances"`
	Frozen    []fleet.Freeze `json:"frozen"`
}

// Row is one instance, or signup that is none yet, in a list.
type Row struct {
	ID     string             `json:"id"`
	Slug   string             `json:"slug"`
	Plan   string             `json:"plan"`
	Region string             `json:"region"`
	Signup fleet.SignupStatus `json:"signup"`
	// State is empty while there is only a signup; Place is its place in the queue of the approved, from 1.
	State fleet.State `json:"state,omitempty"`
	Place int         `json:"place,omitempty"`
	// Progress is the instance's, or says what a signup waits for.
	Progress fleet.Progress `json:"progress"`
	// Stage is how far its decommission is, empty without one that is under way or has ended; Ends is when its notice, or its grace, does.
	Stage fleet.Stage `json:"stage,omitempty"`
	Ends  time.Time   `json:"ends,omitzero"`
	// Held: a legal hold stands.
	Held bool `json:"held,omitempty"`
	// Since is when it was signed up for.
	Since time.Time `json:"since"`
	// Incidents counts the open ones.
	Incidents int `json:"incidents"`
}

// Instance is the answer to GET /instances/{id}: all that Fleet knows of one.
type Instance struct {
	Row
	Host       string            `json:"host,omitempty"`
	Suspension *fleet.Suspension `json:"suspension,omitempty"` // nil unless it is SUSPENDED
	Hold       *fleet.Hold       `json:"hold,omitempty"`       // nil for none
	// Decommission is the one under way, or the last one that was; nil while none was ever decided.
	Decommission *fleet.Decommission `json:"decommission,omitempty"`
	Signed       Signup              `json:"signed_up"`
	Epoch        int64               `json:"epoch"`
	Resources    []fleet.Resource    `json:"resources"`
	Operations   []fleet.Operation   `json:"operations"` // oldest first
	Messages     []fleet.Message     `json:"messages"`
	History      []fleet.Incident    `json:"all_incidents"` // oldest first
	Audit        []fleet.AuditEntry  `json:"audit"`         // in order
	Frozen       []fleet.Freeze      `json:"frozen"`        // in the whole fleet: what doesn't begin on it now
	// AuditFault says what is wrong with the audit chain; empty for a whole one.
	AuditFault string `json:"audit_fault,omitempty"`
}

// Signup is how an instance came to be.
type Signup struct {
	Tier        string    `json:"tier,omitempty"` // of the tiered plan
	Vertical    string    `json:"vertical,omitempty"`
	Timezone    string    `json:"timezone"`
	Locale      string    `json:"locale"`
	RequestedAt time.Time `json:"requested_at"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
	DecidedBy   string    `json:"decided_by,omitempty"`
	Reason      string    `json:"reason,omitempty"`
}

// Incidents is the answer to GET /incidents: the open ones, oldest first.
type Incidents struct {
	Incidents []fleet.Incident `json:"incidents"`
}

// Acknowledgement is the body of POST /incidents/acknowledge. Close says that it is dealt with. The answer is the incident, a
// fleet.Incident.
type Acknowledgement struct {
	InstanceID string `json:"instance_id"`
	ID         string `json:"id"`
	Close      bool   `json:"close,omitempty"`
}

// FreezeRequest is the body of POST /freeze; that of POST /thaw has a Scope only.
type FreezeRequest struct {
	Scope  string `json:"scope"`
	Reason string `json:"reason,omitempty"`
}

// Frozen is the answer to POST /freeze and POST /thaw: what is frozen now.
type Frozen struct {
	Frozen []fleet.Freeze `json:"frozen"`
}

// Suspend is the body of POST /instances/{id}/suspend: why, and a line for other operators. POST /instances/{id}/resume has none.
type Suspend struct {
	Reason fleet.SuspensionReason `json:"reason"` // one of fleet.OperatorsReasons
	Note   string                 `json:"note,omitempty"`
}

// Exports is the answer to GET /instances/{id}/exports, newest first. POST begins one, and has no body.
type Exports struct {
	Exports []fleet.Export `json:"exports"`
}

// Export is the answer to GET /instances/{id}/exports/{export}: an export, and once it is sealed what its manifest says.
type Export struct {
	fleet.Export
	Content []ExportFile `json:"content,omitempty"`
	Lacks   []string     `json:"lacks,omitempty"` // what is not in it, and why
}

// Import is the body of POST /instances/{id}/import: an export of another instance.
type Import struct {
	From   string `json:"from"`
	Export string `json:"export"`
}

// ExportFile is a file of an export.
type ExportFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
	Rows   int64  `json:"rows,omitempty"`
}

// Decommission is the body of POST /instances/{id}/decommission: why, for other operators.
type Decommission struct {
	Reason string `json:"reason"`
}

// Hold is the body of POST /instances/{id}/hold, whose answer is the hold, a fleet.Hold, and of POST /instances/{id}/lift.
type Hold struct {
	Why string `json:"why"`
}

// Acceptance is the body of POST /instances/{id}/decommission/accept-export: why the export suffices. The answer is the decommission, a
// fleet.Decommission.
type Acceptance struct {
	Why string `json:"why"`
}

// Orphan is the body of POST /instances/{id}/remove-orphan. The answer is the ledger's entry, a fleet.Resource.
type Orphan struct {
	Thing
	// WithoutExport is why something that may hold a customer's data is deleted without a verified export of the instance.
	WithoutExport string `json:"without_export,omitempty"`
}

// Thing is the body of POST /instances/{id}/adopt: something of the instance's at a vendor, as its incident names it. The answer is the
// ledger's entry, a fleet.Resource.
type Thing struct {
	Kind fleet.Kind `json:"kind"`
	Name string     `json:"name"`
}

// Resend is the body of POST /instances/{id}/resend: the id of a message that was tried before.
type Resend struct {
	Message string `json:"message"`
}

// Operation is the answer to a request that began, or cancelled, an operation.
type Operation struct {
	// Operation is empty where a signup was cancelled that had none yet; Signup is its status then.
	Operation string             `json:"operation,omitempty"`
	Signup    fleet.SignupStatus `json:"signup,omitempty"`
	Execution string             `json:"execution,omitempty"` // empty where it runs none
	Deadline  time.Time          `json:"deadline,omitzero"`
	// Message is the one that was sent, with its status.
	Message *fleet.Message `json:"message,omitempty"`
}

// Certificate is the answer to GET /instances/{id}/certificate: what became of an instance, in the very files of the archive.
type Certificate struct {
	// JSON is the certificate, and SHA256 its checksum in hex, as it was noted when it was issued; Page is the same for people.
	JSON     string    `json:"json"`
	SHA256   string    `json:"sha256"`
	Page     string    `json:"page"`
	IssuedAt time.Time `json:"issued_at"`
}

// Withdrawal is the answer to POST /instances/{id}/decommission/cancel: the decommission's stage, and the operation that resumes the
// instance, where one does.
type Withdrawal struct {
	Stage fleet.Stage `json:"stage"`
	Operation
}

// Logs is the answer to GET /instances/{id}/logs?since=2h&limit=500: the lines, oldest first. Since is a duration, or a time as
// RFC 3339 writes it; a day unless given. Limit is at most MaxLogLines.
type Logs struct {
	Lines []LogLine `json:"lines"`
	// More: there are later lines than these; ask again since the last one's time.
	More bool `json:"more,omitempty"`
	// Executions are the instance's, by name, oldest first.
	Executions []string `json:"executions"`
}

// MaxLogLines is how many lines one answer holds at most.
const MaxLogLines = 2000

// LogLine is one line of the log, of a function or of a workflow.
type LogLine struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"` // the function's or workflow's name
	Text   string    `json:"text"`   // as it was written, JSON as a rule
}

// Verdict is what the doctor says of one check.
type Verdict string

const (
	// Fine: nothing to do.
	Fine Verdict = "fine"
	// Warning: works today; somebody should see to it.
	Warning Verdict = "warning"
	// Broken: something will fail, or fails already.
	Broken Verdict = "broken"
	// Unchecked: whether it is fine could not be found out, or can't be found out here.
	Unchecked Verdict = "unchecked"
)

// Diagnosis is the answer to GET /doctor.
type Diagnosis struct {
	At     time.Time `json:"at"`
	Checks []Check   `json:"checks"`
}

// Check is one thing that the doctor looked at.
type Check struct {
	// Name is "supabase.token": what it belongs to, and what of it.
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Found says what was found, Mend how to mend it; empty where there is nothing to mend.
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"`
}
