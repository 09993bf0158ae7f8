package fleet

// What an operation's Failure says beside fault codes. internal/fault/runbooks has a page for each.
const (
	// Cancelled: an operator cancelled it.
	Cancelled = "Cancelled"
	// ExecutionEnded: its execution ended without an outcome.
	ExecutionEnded = "ExecutionEnded"
	// StepTimedOut: a step gave Step Functions no answer in time. The name is theirs.
	StepTimedOut = "States.Timeout"
	// StepDied: a step's Lambda ended without an answer. The name is that of Step Functions; the Lambda service has names of
	// its own for it, such as Runtime.ExitError.
	StepDied = "States.TaskFailed"
)

// Failures lists the failures that are no fault codes.
func Failures() []string { return []string{Cancelled, ExecutionEnded, StepTimedOut, StepDied} }
