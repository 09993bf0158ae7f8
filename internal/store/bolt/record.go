package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// errDamaged: the file holds what this package doesn't write.
var errDamaged = errors.New("the table's file is damaged")

// header is all of an item but its key and body. It is kept as JSON with its length before it and the body after it, so
// that the body stays as it is, byte for byte.
type header struct {
	Version    int64                `json:"version"`
	Attributes map[string]string    `json:"attributes,omitempty"`
	Index      map[string]table.Key `json:"index,omitempty"`
	Expires    *int64               `json:"expires,omitempty"` // seconds since 1970
}

func encode(i table.Item) ([]byte, error) {
	h := header{Version: i.Version, Attributes: i.Attributes, Index: i.Index}
	if !i.Expires.IsZero() {
		seconds := i.Expires.Unix()
		h.Expires = &seconds
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint(make([]byte, 0, len(text)+len(i.Body)+binary.MaxVarintLen32), uint64(len(text)))
	return append(append(b, text...), i.Body...), nil
}

// decode copies the item out of b, which belongs to a transaction.
func decode(key table.Key, b []byte) (table.Item, error) {
	n, skip := binary.Uvarint(b)
	if skip <= 0 || n > uint64(len(b)-skip) {
		return table.Item{}, fmt.Errorf("item's header: %w", errDamaged)
	}
	text, body := b[skip:skip+int(n)], b[skip+int(n):]
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return table.Item{}, fmt.Errorf("item's header: %w", errDamaged)
	}
	i := table.Item{Key: key, Version: h.Version, Attributes: h.Attributes, Index: h.Index, Body: bytes.Clone(body)}
	if h.Expires != nil {
		i.Expires = time.Unix(*h.Expires, 0).UTC()
	}
	return i, nil
}

// expired tells whether the item is gone by now: from the instant of Expires on.
func expired(i table.Item, now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }
