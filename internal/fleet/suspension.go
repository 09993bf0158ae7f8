package fleet

import (
	"slices"
	"strings"
	"time"
)

// SuspensionReason is why an instance is switched off.
type SuspensionReason string

const (
	// ForPayment: bills are unpaid.
	ForPayment SuspensionReason = "payment"
	// ForViolation: the terms of use are broken.
	ForViolation SuspensionReason = "violation"
	// ForDecommission: its notice has ended. What ends it tells the customer by mails of its own.
	ForDecommission SuspensionReason = "decommission"
)

// OperatorsReasons lists the reasons for which an operator may suspend an instance.
func OperatorsReasons() []SuspensionReason { return []SuspensionReason{ForPayment, ForViolation} }

// Suspension is why an instance is switched off.
type Suspension struct {
	Reason SuspensionReason `json:"reason"`
	// Note is the operator's own, for other operators.
	Note  string    `json:"note,omitempty"`
	By    string    `json:"by"` // as in the audit: "operator:…"
	Since time.Time `json:"since,omitzero"`
}

// Announcement is the id of the message by which the operation's administrator is told of it; empty where nobody is. The message's
// text is that of AnnouncementText.
func (o Operation) Announcement() string {
	number := o.ID[strings.LastIndexByte(o.ID, '-')+1:]
	switch {
	case o.Kind == Suspend && o.Suspension != nil && slices.Contains(OperatorsReasons(), o.Suspension.Reason):
		return "suspended-" + string(o.Suspension.Reason) + "-" + number
	case o.Kind == Resume:
		return "resumed-" + number
	}
	return ""
}

// AnnouncementText is the name of the text that an announcement, or its repetition, has: "suspended-payment". Empty for another message's id.
func AnnouncementText(message string) string {
	original := OriginalMessage(message)
	text := strings.TrimRight(original, "0123456789")
	if text == original || !strings.HasSuffix(text, "-") || !strings.HasPrefix(text, "suspended-") && text != "resumed-" {
		return ""
	}
	return strings.TrimSuffix(text, "-")
}
