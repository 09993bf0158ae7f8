package fleet

import "time"

// Delivery is one webhook by which a signup came, under the id that its sender gave it. It holds no personal data.
type Delivery struct {
	// Nonce is of the invocation that works on it, or did.
	Nonce string `json:"nonce"`
	// Until is when one that is being worked on lapses, whole seconds: whoever worked on it is dead by then. Zero once it is answered.
	Until time.Time `json:"until,omitzero"`
	// Status and Body are the HTTP answer that it got, and that a repetition gets again. Status is 0 until there is one.
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}

// Answered reports whether it has its answer.
func (d Delivery) Answered() bool { return d.Status != 0 }
