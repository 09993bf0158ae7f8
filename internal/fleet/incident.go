package fleet

import (
	"slices"
	"time"
)

// IncidentKind says what an incident is about. internal/fault/runbooks has a page for each.
type IncidentKind string

const (
	// IncidentOverdue: a run goes on past its deadline.
	IncidentOverdue IncidentKind = "Overdue"
	// IncidentFailedDirty: an operation ended, and something is left: of a take-down at a vendor, of a suspension half switched.
	IncidentFailedDirty IncidentKind = "FailedDirty"
	// IncidentUndone: an operation failed, and the instance is what it was before.
	IncidentUndone IncidentKind = "Undone"
	// IncidentExportFailed: an export came to nothing, or its files are not what was written.
	IncidentExportFailed IncidentKind = "ExportFailed"
	// IncidentHistoryMissing: how an instance is set up could not be written into the history of configurations.
	IncidentHistoryMissing IncidentKind = "HistoryMissing"
	// IncidentCalendarRefused: the one-time schedules of an instance's end could not be set.
	IncidentCalendarRefused IncidentKind = "CalendarRefused"
	// IncidentImportFailed: an export was not imported, and the instance is as it was.
	IncidentImportFailed IncidentKind = "ImportFailed"
	// IncidentTerminationHeld: grace is over, and something keeps the instance from being terminated.
	IncidentTerminationHeld IncidentKind = "TerminationHeld"
	// IncidentTerminationsStopped: Fleet itself has frozen terminations, for something about one was not as it must be.
	IncidentTerminationsStopped IncidentKind = "TerminationsStopped"
	// IncidentMessageUnknown: a message may have been sent, or not.
	IncidentMessageUnknown IncidentKind = "MessageUnknown"
	// IncidentMessageFailed: the vendor refused a message.
	IncidentMessageFailed IncidentKind = "MessageFailed"
	// IncidentMessageNotSent: the operation ended before a message was sent.
	IncidentMessageNotSent IncidentKind = "MessageNotSent"
	// IncidentRecheckFailed: Fleet can't see whether a stray resource is left.
	IncidentRecheckFailed IncidentKind = "RecheckFailed"
	// IncidentCheckFailed: the daily checkup found something that is broken or gives warning.
	IncidentCheckFailed IncidentKind = "CheckFailed"
	// IncidentBrandingFailed: an instance has the default look in the place of an image of the customer's.
	IncidentBrandingFailed IncidentKind = "BrandingFailed"
	// IncidentUnprotected: new instances get no rate limit of their own, for the zone's plan allows no more.
	IncidentUnprotected IncidentKind = "Unprotected"
	// IncidentVendorDown: a vendor doesn't answer, or refuses Fleet's credential, for whomever.
	IncidentVendorDown IncidentKind = "VendorDown"
	// IncidentOrphan: a vendor has something under Fleet's mark that no ledger tells of.
	IncidentOrphan IncidentKind = "Orphan"
	// IncidentMissing: a ledger calls something created that its vendor doesn't have.
	IncidentMissing IncidentKind = "Missing"
)

// IncidentKinds lists every kind.
func IncidentKinds() []IncidentKind {
	return []IncidentKind{IncidentOverdue, IncidentFailedDirty, IncidentUndone, IncidentExportFailed, IncidentHistoryMissing, IncidentCalendarRefused, IncidentImportFailed, IncidentTerminationHeld, IncidentTerminationsStopped, IncidentMessageUnknown, IncidentMessageFailed,
		IncidentMessageNotSent, IncidentRecheckFailed, IncidentCheckFailed, IncidentBrandingFailed, IncidentUnprotected, IncidentVendorDown,
		IncidentOrphan, IncidentMissing}
}

// Known reports whether it is one of the kinds.
func (k IncidentKind) Known() bool { return slices.Contains(IncidentKinds(), k) }

// Incident is something an operator has to see. Its id derives from its cause, so the same cause opens it once.
type Incident struct {
	ID         string       `json:"id"`
	InstanceID string       `json:"instance_id"`
	Code       IncidentKind `json:"code"`
	Reason     string       `json:"reason"`
	NextAction string       `json:"next_action"`
	OpenedAt   time.Time    `json:"opened_at"`
	// PagedAt is when it was handed to the people on call.
	PagedAt time.Time `json:"paged_at,omitzero"`
	// AckedBy is the operator who sees to it.
	AckedBy  string    `json:"acked_by,omitempty"`
	AckedAt  time.Time `json:"acked_at,omitzero"`
	ClosedAt time.Time `json:"closed_at,omitzero"`
}
