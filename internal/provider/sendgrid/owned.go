package sendgrid

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// domainPages begins the cursors of the pages of domains, which follow those of the subusers.
const domainPages = "domains:"

// Owned lists a page of the subusers that are named for an instance, disabled ones included, and then of the authenticated domains of
// such subusers; the first one after an empty cursor, the others after the page before's Next. It only reads. Lists lag, and shift while
// they are read: what seems to be missing is to be looked up by itself.
func (c *Client) Owned(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
	text, domains := strings.CutPrefix(cursor, domainPages)
	offset := 0
	if text != "" {
		var err error
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			return fleet.OwnedPage{}, unsent(operationListSubusers, fault.Internal, "the cursor is none", err)
		}
	}
	if domains {
		return c.ownedDomains(ctx, offset)
	}
	list, err := onePage[wireSubuser](ctx, c, request{operation: operationListSubusers, path: "/v3/subusers"}, offset)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	page := fleet.OwnedPage{Next: domainPages + "0"}
	for _, u := range list {
		if u.ID <= 0 || u.Username == "" {
			return fleet.OwnedPage{}, unusable(operationListSubusers, http.StatusOK)
		}
		if instance, ours := fleet.ResourceOwner(u.Username); ours {
			page.Owned = append(page.Owned, fleet.Owned{Kind: fleet.SendGridSubuser, InstanceID: instance, Name: u.Username, ID: u.Username})
		}
	}
	if len(list) == pageSize {
		page.Next = strconv.Itoa(offset + pageSize)
	}
	return page, nil
}

// ownedDomains reads the domains of all subusers, which the parent sees together.
func (c *Client) ownedDomains(ctx context.Context, offset int) (fleet.OwnedPage, error) {
	list, err := onePage[wireDomain](ctx, c, request{operation: operationListDomains, path: "/v3/whitelabel/domains"}, offset)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	var page fleet.OwnedPage
	for _, d := range list {
		if d.ID <= 0 || d.Domain == "" {
			return fleet.OwnedPage{}, unusable(operationListDomains, http.StatusOK)
		}
		if instance, ours := fleet.ResourceOwner(d.Username); ours {
			page.Owned = append(page.Owned, fleet.Owned{Kind: fleet.SendGridDomain, InstanceID: instance, Name: strings.ToLower(d.Domain), ID: strconv.FormatInt(d.ID, 10)})
		}
	}
	if len(list) == pageSize {
		page.Next = domainPages + strconv.Itoa(offset+pageSize)
	}
	return page, nil
}

// onePage reads one page of a list that is an array, by limit and offset. The query may have filters.
func onePage[T any](ctx context.Context, c *Client, r request, offset int) ([]T, error) {
	r.method, r.success = rest.Get, []int{http.StatusOK}
	r.query = maps.Clone(r.query)
	if r.query == nil {
		r.query = map[string]string{}
	}
	r.query["limit"], r.query["offset"] = strconv.Itoa(pageSize), strconv.Itoa(offset)
	var page []T
	if err := c.read(ctx, r, &page); err != nil {
		return nil, err
	}
	if page == nil { // "null" is no empty list
		return nil, unusable(r.operation, http.StatusOK)
	}
	return page, nil
}
