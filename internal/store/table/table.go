// Package table is the narrow seam between Fleet's records and the database that keeps them: DynamoDB on AWS, one
// bbolt file elsewhere. Both pass one conformance suite (package tabletest).
package table

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Key identifies an item: items of one partition are ordered by Sort, bytewise. Neither part may be empty.
type Key struct{ Partition, Sort string }

// Item is one record. The table interprets nothing but its key, version, attributes, index entries and expiry.
type Item struct {
	Key
	// Version is 1 when the item is first written and grows by one with each write. The table sets it.
	Version int64
	// Attributes are values that conditions can be put on, such as an epoch.
	Attributes map[string]string
	// Index places the item in sparse indexes: by index name, a partition and a sort key there.
	Index map[string]Key
	// Body is the record itself, JSON.
	Body []byte
	// Expires is when the item may vanish; zero means never. Expired items are filtered on read. Whole seconds.
	Expires time.Time
}

// Limits are DynamoDB's, kept by every implementation; a write over them fails with ErrLimit before anything is written.
const (
	MaxWrites    = 100       // items of one Write
	MaxWriteSize = 4 << 20   // bytes of one Write
	MaxItemSize  = 400 << 10 // bytes of one item: keys, attributes, index entries, body
	MaxPage      = 1 << 20   // bytes of one page of a Query; a page may end before Limit
)

// Errors. Conditions that fail are reported by *ConditionError.
var (
	// ErrNotFound is returned by Get for an absent or expired item.
	ErrNotFound = errors.New("no such item")
	// ErrLimit is returned for a write that breaks a limit: too many or too large items, an empty key, an item twice.
	ErrLimit = errors.New("over the table's limits")
	// ErrOutcomeUnknown is returned when the answer of a Write was lost: it may or may not have been made.
	ErrOutcomeUnknown = errors.New("outcome of the write is unknown")
)

// Condition is what must hold of an item for the whole write to be made. Exactly one field group is set.
type Condition struct {
	// Absent: there is no such item (an expired one counts as absent).
	Absent bool
	// Version, if not 0: the item exists and has this version.
	Version int64
	// Attribute, if not empty: the item exists and its attribute of this name has this Value.
	Attribute, Value string
}

// Op is what a Write does to one item.
type Op int

const (
	// Put writes Item. Its condition must be Absent or a Version: nothing is overwritten unseen.
	Put Op = iota + 1
	// Delete removes the item of Item.Key.
	Delete
	// Check only tests the condition on the item of Item.Key.
	Check
)

// Write is one part of an atomic write.
type Write struct {
	Op   Op
	Item Item
	If   Condition
}

// Reason tells why one part of a write was refused.
type Reason string

const (
	// Fine: this part's condition held.
	Fine Reason = ""
	// Exists: the item was to be absent.
	Exists Reason = "exists"
	// WrongVersion: the item is absent or has another version.
	WrongVersion Reason = "version"
	// WrongAttribute: the item is absent or its attribute has another value.
	WrongAttribute Reason = "attribute"
	// Conflicting: another write touched the item at the same time; try again.
	Conflicting Reason = "conflict"
)

// ConditionError reports a refused write: a reason for each of its parts, in order. Nothing was written.
type ConditionError struct{ Reasons []Reason }

func (e *ConditionError) Error() string { return fmt.Sprintf("write refused: %q", e.Reasons) }

// Query selects items of one partition of the table, or of an index if Index is set, by the sort key there.
type Query struct {
	Index     string
	Partition string
	// Prefix, or else From and To (both inclusive, each optional), select by sort key.
	Prefix     string
	From, To   string
	Descending bool
	// Limit is the most items of a page; 0 means the table's own choice.
	Limit int
	// Cursor continues after an earlier page; it comes from Page.Cursor. A cursor that isn't from this query is an error.
	Cursor string
	// Consistent reads see every earlier write. Indexes can't be read consistently: with Index it is an error.
	Consistent bool
}

// Page is a part of a query's items. Cursor is empty on the last page.
type Page struct {
	Items  []Item
	Cursor string
}

// Table keeps items. Every method honours ctx.
type Table interface {
	// Get reads one item, or ErrNotFound. A read that isn't consistent may be stale.
	Get(ctx context.Context, key Key, consistent bool) (Item, error)
	// Query reads a page. Index entries and inconsistent reads may lag.
	Query(ctx context.Context, q Query) (Page, error)
	// Write makes all parts or none. It fails with *ConditionError, ErrLimit, ErrOutcomeUnknown, or ctx's error.
	Write(ctx context.Context, writes []Write) error
}
