package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// TokenOperator is the actor of whoever shows the operator's token: it tells nobody apart.
const TokenOperator = "operator:token"

// AuditEntry tells one change: who did what, on what, when, with which outcome. Ids and codes only: no secret, no free
// text, no personal data.
type AuditEntry struct {
	// ID derives from the change, so that a repeat of the change finds its own entry.
	ID      string    `json:"id"`
	Seq     int64     `json:"seq"` // from 1, without gaps
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`   // "operator:<id>", "step:<name>", "fleet"
	Action  string    `json:"action"`  // "resource.created"
	Subject string    `json:"subject"` // "supabase_project/gimbal-…"
	Outcome string    `json:"outcome"` // "ok", a code, a state
	Request string    `json:"request,omitempty"`
	Note    string    `json:"note,omitempty"` // why, in the actor's own words, where an operator is asked for them
	// Previous is the Hash of the entry before, empty for the first; Hash is this entry's.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// AuditHead is the end of an instance's chain.
type AuditHead struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Chain gives e its place after head: sequence number, previous hash and own hash.
func (e AuditEntry) Chain(head AuditHead) AuditEntry {
	e.Seq, e.Previous = head.Seq+1, head.Hash
	e.Hash = e.digest()
	return e
}

// digest is the hex SHA-256 of the entry's JSON with an empty Hash.
func (e AuditEntry) digest() string {
	e.Hash = ""
	e.At = e.At.UTC()
	text, err := json.Marshal(e)
	if err != nil { // strings, an integer and a time always marshal; a year past 9999 doesn't
		return "unhashable"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ErrBrokenChain is returned for an audit chain with a gap, a changed entry or a wrong end.
var ErrBrokenChain = errors.New("audit chain is broken")

// VerifyChain checks a whole chain, entries in order, against its head.
func VerifyChain(entries []AuditEntry, head AuditHead) error {
	last := AuditHead{}
	for _, e := range entries {
		if e.Seq != last.Seq+1 || e.Previous != last.Hash || e.Hash != e.digest() {
			return fmt.Errorf("%w at entry %d", ErrBrokenChain, last.Seq+1)
		}
		last = AuditHead{e.Seq, e.Hash}
	}
	if last != head {
		return fmt.Errorf("%w: it ends at %d, its head says %d", ErrBrokenChain, last.Seq, head.Seq)
	}
	return nil
}
