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

// The texts of the messages about an instance's end. Fleet's outbox sends them, each once for a decommission, under the id of EndMessage, and
// GraceBegun once more for each final export that replaces another one, under that of RenewedMessage.
const (
	// NoticeGiven tells the administrator that the instance ends, what happens when, and whom to answer.
	NoticeGiven = "end-notice"
	// GraceBegun tells them that it is off, and until when they can come for the final export.
	GraceBegun = "end-grace"
	// EndWithdrawn tells whom one of them was sent that the instance doesn't end.
	EndWithdrawn = "end-withdrawn"
)

// EndTexts lists the texts of the messages about an instance's end.
func EndTexts() []string { return []string{NoticeGiven, GraceBegun, EndWithdrawn} }

// EndMessage is the id of the message of a text about an instance's nth decommission.
func EndMessage(text string, n int) string { return text + "-" + strconv.Itoa(n) }

// RenewedMessage is the id of the message that brings the final export of an operation, where it replaces another one of the nth decommission.
func RenewedMessage(n int, operation string) string {
	return EndMessage(GraceBegun, n) + operation[strings.LastIndexByte(operation, '-'):]
}

// EndText is the text of a message about an instance's end, or of that which it repeats, and of which decommission it tells; empty for any other.
func EndText(message string) (text string, n int) {
	for _, text := range EndTexts() {
		number, ok := strings.CutPrefix(OriginalMessage(message), text+"-")
		number, _, _ = strings.Cut(number, "-")
		if n, err := strconv.Atoi(number); ok && err == nil {
			return text, n
		}
	}
	return "", 0
}

// Needs reports whether the message of a text about a decommission still tells the truth.
func (d *Decommission) Needs(text string, n int) bool {
	stages := map[string]Stage{NoticeGiven: InNotice, GraceBegun: InGrace, EndWithdrawn: Withdrawn}
	return d != nil && d.N == n && d.Stage == stages[text]
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
