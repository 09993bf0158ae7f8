package fleet

import "strings"

// Owned is one thing at a vendor that carries Fleet's ownership mark, whether any ledger knows of it or not.
type Owned struct {
	Kind       Kind   `json:"kind"`
	InstanceID string `json:"instance_id"` // by the mark; the instance may never have been
	Name       string `json:"name"`        // as ledgers name it
	ID         string `json:"id"`          // the vendor's, as ledgers keep it
}

// OwnedPage is a part of what a vendor has of Fleet's.
type OwnedPage struct {
	Owned []Owned `json:"owned"` // may be empty although others follow
	// Next asks for the following page; empty on the last one.
	Next string `json:"next,omitempty"`
}

const (
	namePrefix = "gimbal-"
	markPrefix = "owner=gimbal-fleet instance="
)

// ResourceOwner gives the instance whose ResourceName a name is; false for any other name.
func ResourceOwner(name string) (instanceID string, ok bool) { return owner(name, namePrefix) }

// MarkOwner gives the instance whose OwnershipMark a mark is; false for any other text.
func MarkOwner(mark string) (instanceID string, ok bool) { return owner(mark, markPrefix) }

func owner(text, prefix string) (instanceID string, ok bool) {
	id, ok := strings.CutPrefix(text, prefix)
	if !ok || !IsInstanceID(id) {
		return "", false
	}
	return id, true
}
