package cloudflare

import (
	"context"
	"strconv"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

const (
	// ownedPageSize is how many records a page has.
	ownedPageSize = 500
	// rulesPage is the cursor of the last page, that of the rules.
	rulesPage = "rules"
)

// Owned lists a page of the zone's records that carry Fleet's mark, of whatever type, and on the last page the rate-limiting rules that do;
// the first one after an empty cursor, the others after the page before's Next. It only reads. Lists lag, and shift while they are read:
// what seems to be missing is to be looked up by itself.
func (c *Client) Owned(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
	if cursor == rulesPage {
		return c.ownedRules(ctx)
	}
	number := 1
	if cursor != "" {
		var err error
		if number, err = strconv.Atoi(cursor); err != nil || number < 1 {
			return fleet.OwnedPage{}, unsent(operationList, fault.Internal, "the cursor is none", err)
		}
	}
	e, err := c.marked(ctx, number)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	records, ok := decodeRecords(e)
	if !ok || e.ResultInfo == nil || e.ResultInfo.TotalCount == nil {
		return fleet.OwnedPage{}, unusable(operationList, 200)
	}
	page := fleet.OwnedPage{Next: rulesPage}
	for _, r := range records {
		if instance, ours := fleet.MarkOwner(r.Comment); ours {
			page.Owned = append(page.Owned, fleet.Owned{Kind: fleet.DNSRecord, InstanceID: instance, Name: r.Name, ID: r.ID})
		}
	}
	if len(records) > 0 && number*ownedPageSize < *e.ResultInfo.TotalCount {
		page.Next = strconv.Itoa(number + 1)
	}
	return page, nil
}

// marked reads a page of the records whose comments begin as Fleet's marks do.
func (c *Client) marked(ctx context.Context, number int) (*envelope, error) {
	var params dns.RecordListParams
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	params.Comment.Value.Startswith.Value, params.Comment.Value.Startswith.Present = fleet.OwnershipMark(""), true
	params.Comment.Present = true
	params.Page.Value, params.Page.Present = float64(number), true
	params.PerPage.Value, params.PerPage.Present = ownedPageSize, true
	return c.call(ctx, operationList, func(opts ...option.RequestOption) error {
		_, err := c.records.List(ctx, params, opts...)
		return err
	})
}

func (c *Client) ownedRules(ctx context.Context) (fleet.OwnedPage, error) {
	limits, err := c.RateLimits(ctx)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	var page fleet.OwnedPage
	for _, r := range limits.Rules {
		if instance, ours := fleet.MarkOwner(r.Description); ours {
			page.Owned = append(page.Owned, fleet.Owned{Kind: fleet.CloudflareRule, InstanceID: instance, Name: r.Ref, ID: r.ID})
		}
	}
	return page, nil
}
