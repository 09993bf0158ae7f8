package chaos

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// A lagging query can't be edited page by page, since what it still sees of the past may lie anywhere. So it reads all
// that the table holds, puts the past in its place, and cuts pages of its own. Which of the two a cursor belongs to is
// told by its first byte.
const (
	innerCursor = "."
	lagCursor   = "~"
)

var errCursor = errors.New("query: the cursor isn't from this query")

// Query is the table's; one of an index, or one that isn't consistent, may see the past.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, err
	}
	lagging := !q.Consistent && t.lags() || strings.HasPrefix(q.Cursor, lagCursor)
	if strings.HasPrefix(q.Cursor, innerCursor) || !lagging {
		return t.passOn(ctx, q)
	}
	var last position
	if q.Cursor != "" {
		if err := last.parse(q); err != nil {
			return table.Page{}, err
		}
	}
	items, err := t.lagging(ctx, q)
	if err != nil {
		return table.Page{}, err
	}
	return cut(q, items, last), nil
}

func (t *Table) passOn(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Cursor != "" {
		inner, ours := strings.CutPrefix(q.Cursor, innerCursor)
		if !ours || inner == "" {
			return table.Page{}, errCursor
		}
		q.Cursor = inner
	}
	page, err := t.inner.Query(ctx, q)
	if err == nil && page.Cursor != "" {
		page.Cursor = innerCursor + page.Cursor
	}
	return page, err
}

// lagging gives all items that the query sees, in order.
func (t *Table) lagging(ctx context.Context, q table.Query) ([]table.Item, error) {
	items, err := t.present(ctx, q)
	if err != nil {
		return nil, err
	}
	now := t.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	items = slices.DeleteFunc(items, func(i table.Item) bool {
		_, past := t.past.seen(i.Key, q.Index != "", now)
		return past
	})
	for key := range t.past {
		b, ok := t.past.seen(key, q.Index != "", now)
		if ok && !b.gone(now) && selects(q, b.item) {
			items = append(items, copyItem(b.item))
		}
	}
	slices.SortFunc(items, func(a, b table.Item) int { return place(q, a).compare(q, place(q, b)) })
	return items, nil
}

// present reads everything that the table has for the query.
func (t *Table) present(ctx context.Context, q table.Query) ([]table.Item, error) {
	q.Cursor, q.Limit = "", 0
	var items []table.Item
	for {
		page, err := t.inner.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Cursor == "" {
			return items, nil
		}
		q.Cursor = page.Cursor
	}
}

func cut(q table.Query, items []table.Item, last position) table.Page {
	var page table.Page
	size := 0
	for _, item := range items {
		if q.Cursor != "" && place(q, item).compare(q, last) <= 0 {
			continue
		}
		size += item.Size()
		if n := len(page.Items); n > 0 && (n == q.Limit || size > table.MaxPage) {
			page.Cursor = place(q, page.Items[n-1]).cursor(q)
			break
		}
		page.Items = append(page.Items, item)
	}
	return page
}

// selects tells whether the query would find the item.
func selects(q table.Query, item table.Item) bool {
	at := item.Key
	if q.Index != "" {
		var ok bool
		if at, ok = item.Index[q.Index]; !ok {
			return false
		}
	}
	return at.Partition == q.Partition && strings.HasPrefix(at.Sort, q.Prefix) && at.Sort >= q.From &&
		(q.To == "" || at.Sort <= q.To)
}

// position is an item's place in the order of a query.
type position struct {
	Sort string
	Item table.Key
}

func place(q table.Query, item table.Item) position {
	if q.Index != "" {
		return position{item.Index[q.Index].Sort, item.Key}
	}
	return position{item.Key.Sort, item.Key}
}

func (p position) compare(q table.Query, o position) int {
	c := cmp.Or(cmp.Compare(p.Sort, o.Sort), cmp.Compare(p.Item.Partition, o.Item.Partition), cmp.Compare(p.Item.Sort, o.Item.Sort))
	if q.Descending {
		return -c
	}
	return c
}

// ticket is what a cursor says: the query that it continues, and the last item's place.
type ticket struct {
	Query table.Query
	Last  position
}

func (p position) cursor(q table.Query) string {
	b, _ := json.Marshal(ticket{continued(q), p}) // strings and numbers always encode
	return lagCursor + base64.RawURLEncoding.EncodeToString(b)
}

func (p *position) parse(q table.Query) error {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(q.Cursor, lagCursor))
	if err != nil || !strings.HasPrefix(q.Cursor, lagCursor) {
		return errCursor
	}
	var t ticket
	if err := json.Unmarshal(b, &t); err != nil || t.Query != continued(q) {
		return errCursor
	}
	*p = t.Last
	return nil
}

// continued is the part of a query that stays the same from page to page.
func continued(q table.Query) table.Query {
	q.Cursor, q.Limit = "", 0
	return q
}
