package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Keys in the file are made so that their bytewise order is the table's.
//
//	item           length of partition (2 bytes), partition, sort
//	index entry    length of partition (2 bytes), partition, sort and end, item's partition and end, item's sort
//	expiry entry   seconds (8 bytes), item's key
//
// Where another part follows a sort key it is escaped (00 becomes 00 FF) and ended by 00 00, which sorts before
// whatever may follow in a longer one.
var end = []byte{0, 0}

// partition begins the keys of everything in a partition. Its length comes first, so that no partition is the
// beginning of another.
func partition(name string) []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(name)+table.MaxSort), uint16(len(name)))
	return append(b, name...)
}

func itemKey(k table.Key) []byte { return append(partition(k.Partition), k.Sort...) }

func parseItemKey(b []byte) (table.Key, error) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return table.Key{}, fmt.Errorf("key of %d bytes: %w", len(b), errDamaged)
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	return table.Key{Partition: string(b[2:n]), Sort: string(b[n:])}, nil
}

// indexKey places an item in an index. The item's own key makes it unique and orders items that share a place.
func indexKey(place, item table.Key) []byte {
	b := append(partition(place.Partition), escape(place.Sort)...)
	b = append(append(b, end...), escape(item.Partition)...)
	return append(append(b, end...), item.Sort...)
}

func escape(s string) []byte { return bytes.ReplaceAll([]byte(s), []byte{0}, []byte{0, 0xff}) }

// expirySeconds are as many bytes as sort by time, before 1970 too.
func expirySeconds(at time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(at.Unix())^1<<63)
}

func expiryKey(at time.Time, item []byte) []byte { return append(expirySeconds(at), item...) }

// span is a run of keys, read up or down: from lo on and before hi.
type span struct {
	lo, hi []byte
	down   bool
}

// spanOf gives the keys that a query selects.
func spanOf(q table.Query) span {
	base := partition(q.Partition)
	join := func(s string, more ...byte) []byte {
		k := bytes.Clone(base)
		if q.Index != "" {
			k = append(k, escape(s)...)
		} else {
			k = append(k, s...)
		}
		return append(k, more...)
	}
	s := span{lo: join(q.Prefix + q.From), hi: successor(join(q.Prefix)), down: q.Descending}
	switch {
	case q.To == "":
	case q.Index != "":
		s.hi = join(q.To, 0, 1) // right after everything that begins with To and its end
	default:
		s.hi = join(q.To, 0) // right after To
	}
	return s
}

// successor is the first key after all that begin with b. There is one: b begins with a length below FF FF.
func successor(b []byte) []byte {
	b = bytes.TrimRight(b, "\xff")
	b = bytes.Clone(b)
	b[len(b)-1]++
	return b
}

func (s span) holds(k []byte) bool {
	return k != nil && bytes.Compare(k, s.lo) >= 0 && bytes.Compare(k, s.hi) < 0
}

// after is what is left of the span when k was the last key read.
func (s span) after(k []byte) span {
	if s.down {
		s.hi = k
	} else {
		s.lo = append(bytes.Clone(k), 0)
	}
	return s
}
