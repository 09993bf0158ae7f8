package fleet

import (
	"regexp"
	"sync"
	"time"
)

// Instance is one customer's isolated deployment. Its id is minted with the signup and never reused; the names of all its
// vendor resources derive from it, and only host names hold the slug.
type Instance struct {
	ID     string `json:"id"` // UUID
	Slug   string `json:"slug"`
	Host   string `json:"host"` // <slug>.<domain>
	State  State  `json:"state"`
	Region string `json:"region"`
	Plan   string `json:"plan"`
	// Operation holds the lease: the one running operation that may change the instance. Empty while none runs.
	Operation string `json:"operation,omitempty"`
	// Unfinished is the operation that ended dirty: a retry goes on with it. Empty for none.
	Unfinished string `json:"unfinished,omitempty"`
	// Waits is the vendor that was down when that operation ended dirty: once it is back, the operation goes on by itself.
	Waits string `json:"waits,omitempty"`
	// Suspension is why the instance is SUSPENDED; nil while it isn't.
	Suspension *Suspension `json:"suspension,omitempty"`
	// Hold is the legal hold under which nothing of it is deleted; nil for none.
	Hold *Hold `json:"hold,omitempty"`
	// Decommission is the end of its life: the one under way, or the last one that was. Nil while none was ever decided.
	Decommission *Decommission `json:"decommission,omitempty"`
	// Progress says of what is under way until when, why, and what comes after.
	Progress Progress `json:"progress"`

	CreatedAt    time.Time `json:"created_at"`
	ActivatedAt  time.Time `json:"activated_at,omitzero"`
	TerminatedAt time.Time `json:"terminated_at,omitzero"`
}

var idPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) })

// IsInstanceID reports whether text from outside may be an instance's id. Any other may be no key for a table at all.
func IsInstanceID(text string) bool { return idPattern().MatchString(text) }

// Progress is what may never be missing of anything under way.
type Progress struct {
	Deadline   time.Time `json:"deadline,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	NextAction string    `json:"next_action,omitempty"`
}

// Origin is where the instance's pages come from, as browsers name it: "https://acme-dental.gimbal.app".
func (i Instance) Origin() string { return "https://" + i.Host }

// To changes the state, or returns an error wrapping ErrIllegalMove.
func (i *Instance) To(next State) error {
	if err := CheckMove(i.State, next); err != nil {
		return err
	}
	i.State = next
	return nil
}

// ResourceName is the name of the instance's resources at vendors that know one of a kind by name: Supabase and Vercel
// project, Twilio subaccount, SendGrid subuser, and the keys in them.
func ResourceName(instanceID string) string { return namePrefix + instanceID }

// OwnershipMark is what Fleet writes into resources that can carry a mark, such as the comment of a DNS record.
func OwnershipMark(instanceID string) string { return markPrefix + instanceID }
