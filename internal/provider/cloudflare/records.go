package cloudflare

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Record is a DNS record.
type Record struct {
	ID      string // 32 hexadecimal digits
	Type    string // "CNAME"
	Name    string // the full name, lower case, without a dot at the end
	Content string // a CNAME's target, without a dot at the end
	Comment string // the ownership mark
	Proxied bool
}

// NewRecord is a record to be made. Its time to live is Cloudflare's automatic one.
type NewRecord struct {
	Type    string
	Name    string // the full name
	Content string
	Comment string // at most 100 characters on the smallest plan, no line break
	Proxied bool
}

const (
	operationList   = "ListRecords"
	operationGet    = "GetRecord"
	operationCreate = "CreateRecord"
	operationUpdate = "UpdateRecord"
	operationDelete = "DeleteRecord"
)

const (
	pageSize = 100
	// maxPages ends a list that never does; one name has a handful of records.
	maxPages = 50
)

// FindRecords lists the zone's records of exactly that full name, of any kind if kind is empty. Names are compared
// without regard to case. A record made a moment ago may be missing.
func (c *Client) FindRecords(ctx context.Context, kind, name string) ([]Record, error) {
	var found []Record
	seen := 0
	for page := 1; page <= maxPages; page++ {
		e, err := c.list(ctx, kind, name, page)
		if err != nil {
			return nil, err
		}
		records, ok := decodeRecords(e)
		if !ok {
			return nil, unusable(operationList, 200)
		}
		for _, r := range records {
			again := slices.ContainsFunc(found, func(f Record) bool { return f.ID == r.ID })
			if !again && strings.EqualFold(r.Name, name) && (kind == "" || r.Type == kind) {
				found = append(found, r)
			}
		}
		seen += len(records)
		if last(e, len(records), seen) {
			return found, nil
		}
	}
	return nil, unusable(operationList, 200)
}

// last reports whether a page of n records, after which seen were read, is the last one.
func last(e *envelope, n, seen int) bool {
	if n == 0 {
		return true
	}
	if e.ResultInfo != nil && e.ResultInfo.TotalCount != nil {
		return seen >= *e.ResultInfo.TotalCount
	}
	return n < pageSize
}

func (c *Client) list(ctx context.Context, kind, name string, page int) (*envelope, error) {
	var params dns.RecordListParams
	// param.Field is an internal type that only the SDK's root package, too big to link, can make.
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	params.Name.Value.Exact.Value, params.Name.Value.Exact.Present = name, true
	params.Name.Present = true
	params.Page.Value, params.Page.Present = float64(page), true
	params.PerPage.Value, params.PerPage.Present = pageSize, true
	if kind != "" {
		params.Type.Value, params.Type.Present = dns.RecordListParamsType(kind), true
	}
	return c.call(ctx, operationList, func(opts ...option.RequestOption) error {
		_, err := c.records.List(ctx, params, opts...)
		return err
	})
}

// CreateRecord makes a record. Where the name has records that exclude it, an identical one among them, the fault is
// Conflict (81053, 81054, 81056, 81057, 81058); where the zone is full, QuotaExceeded (81045). Both prove that nothing
// happened.
//
// A name outside the zone is refused here: Cloudflare would take it as relative to the zone.
func (c *Client) CreateRecord(ctx context.Context, n NewRecord) (Record, error) {
	if !c.inZone(n.Name) {
		return Record{}, unsent(operationCreate, fault.Internal, "the name is outside the zone", nil)
	}
	if n.Type == "CNAME" {
		n.Content = strings.TrimSuffix(n.Content, ".")
	}
	var body dns.RecordNewParamsBody
	body.Type.Value, body.Type.Present = dns.RecordNewParamsBodyType(n.Type), true
	body.Name.Value, body.Name.Present = n.Name, true
	body.Content.Value, body.Content.Present = n.Content, true
	body.Proxied.Value, body.Proxied.Present = n.Proxied, true
	body.TTL.Value, body.TTL.Present = dns.TTL1, true
	if n.Comment != "" {
		body.Comment.Value, body.Comment.Present = n.Comment, true
	}
	params := dns.RecordNewParams{Body: body}
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	e, err := c.call(ctx, operationCreate, func(opts ...option.RequestOption) error {
		_, err := c.records.New(ctx, params, opts...)
		return err
	})
	if err != nil {
		return Record{}, err
	}
	r, ok := decodeRecord(e)
	if !ok || !strings.EqualFold(r.Name, n.Name) {
		return Record{}, unusable(operationCreate, 200)
	}
	return r, nil
}

func (c *Client) inZone(name string) bool {
	return strings.EqualFold(name, c.domain) || strings.HasSuffix(strings.ToLower(name), "."+strings.ToLower(c.domain))
}

// DeleteRecord removes a record. One that is gone already (404, 81044) is removed.
func (c *Client) DeleteRecord(ctx context.Context, id string) error {
	if !identifier().MatchString(id) {
		return unsent(operationDelete, fault.Internal, "no id of a record", nil)
	}
	var params dns.RecordDeleteParams
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	e, err := c.call(ctx, operationDelete, func(opts ...option.RequestOption) error {
		// Cloudflare's document requires a body here, and says nothing about what is in it.
		_, err := c.records.Delete(ctx, id, params, append(opts, option.WithRequestBody("application/json", []byte("{}")))...)
		return err
	})
	if provider.NotFound(err) || isCode(err, codeAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if !deleted(e, id) {
		return unusable(operationDelete, 200)
	}
	return nil
}
