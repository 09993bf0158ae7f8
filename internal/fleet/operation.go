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
	// FailedDirty: it failed, and something may be left. An incident says what; retry goes on.
	FailedDirty Outcome = "dirty"
)

// MaxTeardowns is how many take-downs begin by themselves before an operation ends dirty.
const MaxTeardowns = 3

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

	StartedAt time.Time `json:"started_at"`
	// RunStartedAt is when the current run began.
	RunStartedAt time.Time `json:"run_started_at"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
}

// ProvisionID is the id of the operation that provisions an instance. There is one, so admitting twice finds the first.
func ProvisionID(instanceID string) string { return "op-" + instanceID }

// Running reports whether the operation has no outcome yet.
func (o Operation) Running() bool { return o.Outcome == "" }

// Short reports whether the operation lasts for one invocation only and runs no execution.
func (o Operation) Short() bool { return o.Kind == Recheck || o.Kind == Resend }

// Execution is the name of the current run's execution: <operation>-<phase>-<n>.
func (o Operation) Execution() string { return fmt.Sprintf("%s-%s-%d", o.ID, o.Phase, o.N) }

// ProvisionOf gives the instance and the operation that the execution of a provisioning is for, whatever its phase; false for another
// name.
func ProvisionOf(execution string) (instanceID, operationID string, ok bool) {
	parts := executionName().FindStringSubmatch(execution)
	if parts == nil || !IsInstanceID(parts[1]) {
		return "", "", false
	}
	return parts[1], ProvisionID(parts[1]), true
}

// executionName is what Execution makes of ProvisionID.
var executionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^op-(.+)-[a-z]+-[0-9]+$`) })

// Workflow is the state machine that the current run executes.
func (o Operation) Workflow() string {
	if o.Phase == TakingDown {
		return "teardown"
	}
	return "provision"
}

// RunInput is an execution's input: identifiers and small flags, never a secret.
type RunInput struct {
	InstanceID  string `json:"instanceId"`
	OperationID string `json:"operationId"`
	Epoch       int64  `json:"epoch"`
	// Activated is true for a Notifying run, which goes straight to what follows the activation.
	Activated bool `json:"activated"`
}

// Input is the input of the current run's execution.
func (o Operation) Input() RunInput {
	return RunInput{InstanceID: o.InstanceID, OperationID: o.ID, Epoch: o.Epoch, Activated: o.Phase == Notifying}
}
