package fleet

import (
	"strconv"
	"strings"
	"time"
)

// MessageStatus is where a message is. SendGrid and Twilio know no idempotency keys, so what is unknown is never sent
// again by itself.
type MessageStatus string

const (
	// MessageIntended: to be sent; nothing was.
	MessageIntended MessageStatus = "intended"
	// MessageSending: an attempt may be sending it.
	MessageSending MessageStatus = "sending"
	// MessageSent: the vendor took it.
	MessageSent MessageStatus = "sent"
	// MessageUnknown: it may have been sent. An incident was opened with this very write.
	MessageUnknown MessageStatus = "unknown"
	// MessageFailed: the vendor refused it. An incident was opened with this very write.
	MessageFailed MessageStatus = "failed"
)

// The messages that a new instance's people get, by id.
const (
	Invitation   = "invitation"
	Welcome      = "welcome"
	OperatorWord = "operator-word"
)

// NewInstanceMessages lists the ids of the messages that a new instance's people get.
func NewInstanceMessages() []string { return []string{Invitation, Welcome, OperatorWord} }

// The messages about a signup, by id. Fleet's outbox sends them: there is no instance, and no operation, that would.
const (
	// DecisionWanted asks the operators for their decision, with a link to it.
	DecisionWanted = "decision-wanted"
	// SignupRejected, SignupExpired and SignupFailed tell the applicant.
	SignupRejected = "signup-rejected"
	SignupExpired  = "signup-expired"
	SignupFailed   = "signup-failed"
)

// SignupMessages lists the ids of the messages about a signup.
func SignupMessages() []string {
	return []string{DecisionWanted, SignupRejected, SignupExpired, SignupFailed}
}

// Message is one message to one recipient over one channel. It holds no address and no text.
type Message struct {
	ID        string `json:"id"`        // unique in its instance
	Recipient string `json:"recipient"` // a role: "admin", "operator"
	Channel   string `json:"channel"`   // "mail"
	// Repeats is the message that this one sends once more, by an operator's wish; empty for none.
	Repeats  string        `json:"repeats,omitempty"`
	Status   MessageStatus `json:"status"`
	Attempt  *Attempt      `json:"attempt,omitempty"`
	VendorID string        `json:"vendor_id,omitempty"`
	SentAt   time.Time     `json:"sent_at,omitzero"`
	// InstanceID and IntendedAt are those of a message of the outbox: whom it is about, and when it was written.
	InstanceID string    `json:"instance_id,omitempty"`
	IntendedAt time.Time `json:"intended_at,omitzero"`
	// Tries counts the attempts at it in which nothing happened although the vendor was not known to be down.
	Tries int `json:"tries,omitempty"`
}

// repetition stands between the id of a message and what tells its repetitions from each other.
const repetition = "-" + string(Resend) + "-"

// Repetition is the id of the message that repeats one in the operation of this epoch: it tells by itself which it repeats.
func Repetition(id string, epoch int64) string {
	return OriginalMessage(id) + repetition + strconv.FormatInt(epoch, 10)
}

// OriginalMessage is the id of the message that one repeats, over any number of repetitions; its own if it is none.
func OriginalMessage(id string) string {
	original, _, _ := strings.Cut(id, repetition)
	return original
}

// MessageIncident is the id of the incident that a message's not being surely sent opens.
func MessageIncident(message string) string { return "message-" + message }

// Done reports whether nothing more happens to it by itself.
func (m Message) Done() bool {
	return m.Status == MessageSent || m.Status == MessageUnknown || m.Status == MessageFailed
}
