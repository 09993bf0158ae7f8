// Package bounds is the one table of time bounds that clients, the ledger protocol and the simulators share.
package bounds

import "time"

const (
	// Lambda is the hard limit of one invocation.
	Lambda = 60 * time.Second
	// Call is the longest one vendor call may take.
	Call = 20 * time.Second
	// Poll is how long a step may wait for a vendor inside one invocation.
	Poll = 50 * time.Second
	// Quiet is how long after its sender's death a sent request can still take effect.
	Quiet = 30 * time.Second
	// QuietProject is Quiet for the creation of a Supabase project.
	QuietProject = 60 * time.Second
	// Lag is how long a vendor's lists may lag behind its truth.
	Lag = 45 * time.Second
	// Skew is how far a machine's clock may be off, either way.
	Skew = 5 * time.Second
	// Margin covers two clocks that are off in opposite directions.
	Margin = 2 * Skew

	// Provision is the deadline of a provisioning.
	Provision = 30 * time.Minute
	// Start is how long after its admission a provisioning whose execution could not be started still gets all of Provision.
	Start = 4 * time.Hour
	// Teardown is the deadline of one take-down run.
	Teardown = time.Hour
	// Notify is the deadline for telling the customer after the instance is active.
	Notify = 30 * time.Minute
	// Switch is the deadline of one run that suspends or resumes an instance.
	Switch = 30 * time.Minute
	// Undo is the deadline of one run that undoes such a one.
	Undo = time.Hour
	// Export is the deadline of one run that makes an export, however large.
	Export = 12 * time.Hour
	// Confirm is the deadline of one run that confirms a termination, before anything is deleted.
	Confirm = 30 * time.Minute
	// CloseAgain is how long after a closing that failed an instance whose notice is over is closed again.
	CloseAgain = 45 * time.Minute
	// CloseSourceless is how long after it that is, where the project to be exported was gone.
	CloseSourceless = 24 * time.Hour
	// RecheckSoon is when Fleet looks again for what was absent but unsure.
	RecheckSoon = 15 * time.Minute
	// RecheckLate is when it does so for the last time.
	RecheckLate = 24 * time.Hour

	// Decide is how long a signup waits for an operator's decision; then it expires.
	Decide = 14 * 24 * time.Hour
	// AutoApproval is how long Fleet tries by itself to approve a signup of a plan that needs no operator. Only then it asks one.
	AutoApproval = 5 * time.Minute
	// Outbox is how long a message of the outbox is tried, before it is given up with an incident.
	Outbox = 24 * time.Hour
	// Applicant is how long the data of an applicant are kept whose signup came to nothing and who could not be told surely, for an
	// operator to tell them.
	Applicant = 30 * 24 * time.Hour

	// What follows is how long something may wait that waits for a person, or for something of Fleet's that should have come by itself,
	// before an incident says so.

	// Admitted is how long an approved signup may wait for its slot.
	Admitted = 24 * time.Hour
	// Mended is how long an operation that ended dirty, or an instance on which nothing runs though something should, may be left so.
	Mended = 24 * time.Hour
	// Suspended is how long an instance may be suspended before somebody decides what becomes of it.
	Suspended = 30 * 24 * time.Hour
	// Came is how late what a schedule does at a time may be.
	Came = 24 * time.Hour
	// Unsent is how long a message of the outbox may wait, while SendGrid is frozen or down.
	Unsent = 2 * Outbox
	// Frozen is how long a freeze may stand before somebody says that it still must.
	Frozen = 7 * 24 * time.Hour
	// Held is the same of a legal hold.
	Held = 180 * 24 * time.Hour
	// Paged is how long an incident may wait for being handed to the people on call.
	Paged = time.Hour
)
