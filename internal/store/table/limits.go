package table

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// DynamoDB's limits on keys, of the table and of its indexes.
const (
	MaxPartition = 2048 // bytes of Key.Partition
	MaxSort      = 1024 // bytes of Key.Sort
)

// Size is what the item counts against MaxItemSize, MaxWriteSize and MaxPage, in bytes: its keys, attributes, index
// entries and body, names included.
func (i Item) Size() int {
	n := i.Key.size() + len(i.Body)
	for name, value := range i.Attributes {
		n += len(name) + len(value)
	}
	for name, key := range i.Index {
		n += len(name) + key.size()
	}
	return n
}

func (k Key) size() int { return len(k.Partition) + len(k.Sort) }

// Validate is the check that every implementation makes before it writes. It fails with ErrLimit, and says which part
// is wrong: nothing to write or too much, an item twice, an unknown Op, a key that is empty, too long or not UTF-8, an
// item that is too large, a condition that is missing, ambiguous or not allowed for its Op.
func Validate(writes []Write) error {
	if len(writes) == 0 || len(writes) > MaxWrites {
		return fmt.Errorf("%w: %d items in a write, 1 to %d are allowed", ErrLimit, len(writes), MaxWrites)
	}
	seen := make(map[Key]bool, len(writes))
	total := 0
	for i, w := range writes {
		size, err := w.validate()
		if err == nil && seen[w.Item.Key] {
			err = errors.New("its item is in the write twice")
		}
		if err != nil {
			return fmt.Errorf("%w: part %d: %w", ErrLimit, i, err)
		}
		seen[w.Item.Key] = true
		total += size
	}
	if total > MaxWriteSize {
		return fmt.Errorf("%w: a write of %d bytes, %d are allowed", ErrLimit, total, MaxWriteSize)
	}
	return nil
}

// validate gives the bytes that the part sends.
func (w Write) validate() (int, error) {
	if err := w.Item.Key.validate(); err != nil {
		return 0, err
	}
	if err := w.If.validate(); err != nil {
		return 0, err
	}
	switch w.Op {
	case Delete, Check:
		return w.Item.Key.size(), nil
	case Put:
		if w.If.Attribute != "" {
			return 0, errors.New("a put is conditioned on absence or on a version")
		}
		return w.Item.Size(), w.Item.validate()
	default:
		return 0, errors.New("no such operation")
	}
}

func (i Item) validate() error {
	for name, value := range i.Attributes {
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return errors.New("an attribute has no name or isn't UTF-8")
		}
	}
	for name, key := range i.Index {
		if name == "" || !utf8.ValidString(name) {
			return errors.New("an index entry has no name, or one that isn't UTF-8")
		}
		if err := key.validate(); err != nil {
			return fmt.Errorf("index entry: %w", err)
		}
	}
	if size := i.Size(); size > MaxItemSize {
		return fmt.Errorf("an item of %d bytes, %d are allowed", size, MaxItemSize)
	}
	return nil
}

func (c Condition) validate() error {
	set := 0
	for _, is := range []bool{c.Absent, c.Version != 0, c.Attribute != "" || c.Value != ""} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("one condition is needed: absence, a version, or an attribute's value")
	case c.Version < 0:
		return errors.New("versions start at 1")
	case c.Value != "" && c.Attribute == "":
		return errors.New("the condition doesn't name its attribute")
	case !utf8.ValidString(c.Attribute) || !utf8.ValidString(c.Value):
		return errors.New("the condition isn't UTF-8")
	}
	return nil
}

// Validate fails with ErrLimit unless both parts are there, within their lengths and UTF-8: DynamoDB has no other text.
func (k Key) Validate() error {
	if err := k.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return nil
}

func (k Key) validate() error {
	switch {
	case k.Partition == "" || k.Sort == "":
		return errors.New("a part of a key is empty")
	case len(k.Partition) > MaxPartition || len(k.Sort) > MaxSort:
		return fmt.Errorf("a key of %d and %d bytes, %d and %d are allowed", len(k.Partition), len(k.Sort), MaxPartition, MaxSort)
	case !utf8.ValidString(k.Partition) || !utf8.ValidString(k.Sort):
		return errors.New("a key isn't UTF-8")
	}
	return nil
}

// Validate tells what is wrong with a query: no partition, Prefix beside From or To, a negative Limit, a consistent read
// of an index, or text that isn't UTF-8 (so "\xff" is no upper bound; Prefix is made for that). It doesn't judge Cursor.
func (q Query) Validate() error {
	switch {
	case q.Partition == "":
		return errors.New("query: the partition is empty")
	case q.Prefix != "" && q.From+q.To != "":
		return errors.New("query: both a prefix and a range")
	case q.Limit < 0:
		return errors.New("query: the limit is negative")
	case q.Consistent && q.Index != "":
		return errors.New("query: an index can't be read consistently")
	}
	for _, s := range []string{q.Index, q.Partition, q.Prefix, q.From, q.To} {
		if !utf8.ValidString(s) {
			return errors.New("query: text that isn't UTF-8")
		}
	}
	return nil
}
