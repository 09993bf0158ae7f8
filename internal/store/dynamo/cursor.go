package dynamo

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// errCursor: the text is no cursor, or one of another query.
var errCursor = errors.New("query: the cursor isn't from this query")

// A cursor is a fingerprint of its query and the keys of the last item read, as JSON.
const fingerprintSize = 16

// place is where an item stands in a query: its key, and its place in the query's index.
type place struct {
	Key   table.Key
	Index *table.Key `json:",omitempty"`
}

// fingerprint is of all that selects and orders items; a page may have another Limit than the one before it.
func (t *Table) fingerprint(q table.Query) []byte {
	h := sha256.New()
	for _, s := range []string{t.name, q.Index, q.Partition, q.Prefix, q.From, q.To,
		strconv.FormatBool(q.Descending), strconv.FormatBool(q.Consistent)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s) // a hash never fails
	}
	return h.Sum(nil)[:fingerprintSize]
}

// cursor continues after an item, of which its keys are needed.
func (t *Table) cursor(q table.Query, last attributes) (string, error) {
	r := reading{a: last}
	p := place{Key: table.Key{Partition: r.text(partitionName), Sort: r.text(sortName)}}
	if q.Index != "" {
		partition, sort := indexNames(q.Index)
		p.Index = &table.Key{Partition: r.text(partition), Sort: r.text(sort)}
	}
	if r.foreign {
		return "", errForeign
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(t.fingerprint(q), text...)), nil
}

// position is where a query goes on, nil for its beginning.
func (t *Table) position(q table.Query) (attributes, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(b) < fingerprintSize || !bytes.Equal(b[:fingerprintSize], t.fingerprint(q)) {
		return nil, errCursor
	}
	var p place
	if json.Unmarshal(b[fingerprintSize:], &p) != nil || p.Key.Validate() != nil || (p.Index != nil) != (q.Index != "") {
		return nil, errCursor
	}
	start, at := encodeKey(p.Key), p.Key
	if p.Index != nil {
		at = *p.Index
		partition, sort := indexNames(q.Index)
		start[partition], start[sort] = text(at.Partition), text(at.Sort)
	}
	if at.Validate() != nil || !selects(q, at) {
		return nil, errCursor
	}
	return start, nil
}

// selects tells whether a query selects what stands at a place.
func selects(q table.Query, at table.Key) bool {
	return at.Partition == q.Partition && strings.HasPrefix(at.Sort, q.Prefix) && at.Sort >= q.From && (q.To == "" || at.Sort <= q.To)
}
