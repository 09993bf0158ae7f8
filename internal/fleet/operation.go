package fleet

import (
	"fmt"
	"regexp"
	"sync"
	"time"
)

// OperationKind is what an operation is for.
type OperationKind string

const (
	// Provision creates an instance, or rolls it back.
	Provision OperationKind = "provision"
	// Suspend switches an instance off; nothing of it is deleted.
	Suspend OperationKind = "suspend"
	// Resume switches a suspended instance on again.
	Resume OperationKind = "resume"
	// MakeExport copies all that an instance holds, for its customer.
	MakeExport OperationKind = "export"
	// TakeIn imports an export into a fresh instance: another one's, or one that is no more.
	TakeIn OperationKind = "import"
	// GiveNotice begins the end of an instance: a first export, the notice to its customer, and the calendar of what follows.
	GiveNotice OperationKind = "decommission"
	// Close ends its notice: the instance is switched off, and its final export made and verified.
	Close OperationKind = "close"
	// Terminate ends an instance for good.
	Terminate OperationKind = "terminate"
	// Recheck looks again for what was absent but unsure.
	Recheck OperationKind = "recheck"
	// Resend sends a message once more.
	Resend OperationKind = "resend"
)

// Phase is the part of an operation that a run belongs to. A phase never goes back to an earlier one.
type Phase string

const (
	// Building is the way from the reservation to the activation.
	Building Phase = "provision"
	// Notifying is what is left after the activation, when the building execution ended without an outcome.
	Notifying Phase = "notify"
	// TakingDown removes everything the ledger knows.
	TakingDown Phase = "teardown"
	// Suspending sets every switch to Stopped.
	Suspending Phase = "suspend"
	// Resuming sets every switch to Serving.
	Resuming Phase = "resume"
	// Confirming is a termination's way to the mark after which nothing is undone any more; TakingDown follows.
	Confirming Phase = "confirm"
	// Noticing makes the first export, and then gives the notice.
	Noticing Phase = "notice"
	// Closing sets every switch to Stopped, and makes the final export. Exporting is what is left of it once the instance is off.
	Closing Phase = "close"
	// Undoing sets the switches back that a suspension, or a resumption, which failed had set.
	Undoing Phase = "undo"
	// Exporting writes an export's files and reads them back.
	Exporting Phase = "export"
	// Importing puts an export's rows and files into an instance.
	Importing Phase = "import"
	// LookingAgain is the only phase of a recheck.
	LookingAgain Phase = "recheck"
	// Sending is the only phase of a resend.
	Sending Phase = "resend"
)

// Outcome is how an operation ended. Empty means it has not.
type Outcome string

const (
	// Succeeded: the operation did what it is for.
	Succeeded Outcome = "succeeded"
	// FailedClean: it failed, and nothing of it is left at any vendor.
	FailedClean Outcome = "clean"
	// Undone: it failed, and the instance is what it was before. An incident says why.
	Undone Outcome = "undone"
	// FailedDirty: it failed, and something may be left. An incident says what; retry goes on.
	FailedDirty Outcome = "dirty"
)

// MaxRuns is how many runs of a phase begin by themselves, where each ends without an outcome.
const MaxRuns = 3

// Operation is one job on one instance. While it runs it holds the instance's lease; its epoch is the fencing token of the
// current run and travels in the execution's input.
type Operation struct {
	ID         string        `json:"id"`
	InstanceID string        `json:"instance_id"`
	Kind       OperationKind `json:"kind"`
	// Phase and N name the current run.
	Phase Phase `json:"phase"`
	N     int   `json:"n"`
	Epoch int64 `json:"epoch"`
	// BegunBy is the nonce of the invocation that began the operation: it finds its own write again by it.
	BegunBy string `json:"begun_by,omitempty"`
	// Slot is the provisioning slot it occupies, from 1; 0 for none.
	Slot     int      `json:"slot,omitempty"`
	Progress Progress `json:"progress"`
	// Failure is why it is being taken down, a fault code; FailureText says more, for people.
	Failure     string  `json:"failure,omitempty"`
	FailureText string  `json:"failure_text,omitempty"`
	Outcome     Outcome `json:"outcome,omitempty"`
	// Message is the one that a resend sends.
	Message string `json:"message,omitempty"`
	// Suspension is what a Suspend, or a Close, makes of the instance.
	Suspension *Suspension `json:"suspension,omitempty"`
	// Import is what a TakeIn takes in, and how far it is.
	Import *Import `json:"import,omitempty"`
	// Over is the import over which a Suspend or a Resume began, nil for none: it is unfinished again once that has ended.
	Over *Unfinished `json:"over,omitempty"`

	StartedAt time.Time `json:"started_at"`
	// RunStartedAt is when the current run began.
	RunStartedAt time.Time `json:"run_started_at"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
}

// Unfinished is an operation that ended dirty, and the vendor for which it waits, if any.
type Unfinished struct {
	Operation string `json:"operation"`
	Waits     string `json:"waits,omitempty"`
}

// ProvisionID is the id of the operation that provisions an instance. There is one, so admitting twice finds the first.
func ProvisionID(instanceID string) string { return "op-" + instanceID }

// Running reports whether the operation has no outcome yet.
func (o Operation) Running() bool { return o.Outcome == "" }

// NewOperationID is the id of an operation that began under an epoch. It holds the instance's id, as the names of executions are
// the fleet's.
func NewOperationID(kind OperationKind, instanceID string, epoch int64) string {
	return fmt.Sprintf("%s-%s-%d", kind, instanceID, epoch)
}

// Course is how operations of a kind go.
type Course struct {
	// From is the state in which an instance must be for it to begin, To the one in which it leaves the instance. Empty for what is
	// not begun on an instance that is there, or changes no state.
	From, To State
	// First is the phase in which it begins.
	First Phase
	// Workflows are the state machines that its phases' runs execute. What has none is short: it lasts for one invocation.
	Workflows map[Phase]string
}

// Course is how operations of the kind go.
func (k OperationKind) Course() Course {
	switch k {
	case Provision:
		return Course{First: Building, Workflows: map[Phase]string{Building: "provision", Notifying: "provision", TakingDown: "teardown"}}
	case Suspend:
		return Course{Active, Suspended, Suspending, map[Phase]string{Suspending: "suspend", Undoing: "resume"}}
	case Resume:
		return Course{Suspended, Active, Resuming, map[Phase]string{Resuming: "resume", Undoing: "suspend"}}
	case MakeExport:
		return Course{First: Exporting, Workflows: map[Phase]string{Exporting: "export"}}
	case TakeIn:
		return Course{First: Importing, Workflows: map[Phase]string{Importing: "import"}}
	case GiveNotice:
		return Course{First: Noticing, Workflows: map[Phase]string{Noticing: "decommission"}}
	case Close:
		return Course{Active, Suspended, Closing, map[Phase]string{Closing: "close", Exporting: "close", Undoing: "resume"}}
	case Terminate:
		return Course{Suspended, Terminated, Confirming, map[Phase]string{Confirming: "terminate", TakingDown: "teardown"}}
	case Recheck:
		return Course{First: LookingAgain}
	case Resend:
		return Course{First: Sending}
	}
	return Course{}
}

// Begins reports whether an operation of the kind begins on an instance in a state. What changes no state begins on any that can be
// used, or is only switched off; so does a Close, which may find the instance off already. A TakeIn is for one that can be used.
func (k OperationKind) Begins(in State) bool {
	switch k {
	case MakeExport, GiveNotice, Close:
		return in == Active || in == Suspended
	case TakeIn:
		return in == Active
	}
	return in == k.Course().From
}

// Ends reports whether operations of the kind belong to an instance's end: cancelling that stops them.
func (k OperationKind) Ends() bool { return k == GiveNotice || k == Close || k == Terminate }

// Short reports whether the operation lasts for one invocation only and runs no execution.
func (o Operation) Short() bool { return len(o.Kind.Course().Workflows) == 0 }

// Execution is the name of the current run's execution: <operation>-<phase>-<n>.
func (o Operation) Execution() string { return fmt.Sprintf("%s-%s-%d", o.ID, o.Phase, o.N) }

// OperationOf gives the instance and the operation that an execution is for, whatever its phase; false for a name that is none.
func OperationOf(execution string) (instanceID, operationID string, ok bool) {
	parts := executionName().FindStringSubmatch(execution)
	if parts == nil || !IsInstanceID(parts[3]) {
		return "", "", false
	}
	return parts[3], parts[1], true
}

// executionName is what Execution makes of ProvisionID, of NewOperationID and of NumberedID.
var executionName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^((op|suspend|resume|export|import|decommission|close|terminate)-([0-9a-f-]{36})(?:-n?[0-9]+)?)-[a-z]+-[0-9]+$`)
})

// Workflow is the state machine that the current run executes.
func (o Operation) Workflow() string { return o.Kind.Course().Workflows[o.Phase] }

// Done reports whether the instance is in the state that the operation is for: nothing is undone any more.
func (o Operation) Done(i Instance) bool { return i.State == o.Kind.Course().To }

// RunInput is an execution's input: identifiers and small flags, never a secret.
type RunInput struct {
	InstanceID  string `json:"instanceId"`
	OperationID string `json:"operationId"`
	Epoch       int64  `json:"epoch"`
	// Activated is true for a Notifying run, which goes straight to what follows the activation.
	Activated bool `json:"activated"`
	// Off is true for a Close of an instance that is off already: its exports follow at once.
	Off bool `json:"off,omitempty"`
	// Ends is true for a take-down that ends an instance's life: its proof follows.
	Ends bool `json:"ends,omitempty"`
}

// Input is the input of the current run's execution.
func (o Operation) Input() RunInput {
	return RunInput{InstanceID: o.InstanceID, OperationID: o.ID, Epoch: o.Epoch, Activated: o.Phase == Notifying,
		Off: o.Kind == Close && o.Phase == Exporting, Ends: o.Kind == Terminate && o.Phase == TakingDown}
}
