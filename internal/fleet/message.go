package fleet

import "time"

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

// Message is one message to one recipient over one channel. It holds no address and no text.
type Message struct {
	ID        string        `json:"id"`        // unique in its instance
	Recipient string        `json:"recipient"` // a role: "admin", "operator"
	Channel   string        `json:"channel"`   // "mail"
	Status    MessageStatus `json:"status"`
	Attempt   *Attempt      `json:"attempt,omitempty"`
	VendorID  string        `json:"vendor_id,omitempty"`
	SentAt    time.Time     `json:"sent_at,omitzero"`
}

// Done reports whether nothing more happens to it by itself.
func (m Message) Done() bool {
	return m.Status == MessageSent || m.Status == MessageUnknown || m.Status == MessageFailed
}
