package twilio

import (
	"context"
	"errors"
	"net/url"

	v2010 "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// ownedPageSize is how many accounts a page has.
const ownedPageSize = "200"

// Owned lists a page of the subaccounts that are named for an instance and aren't closed, the active ones and then the suspended ones; the
// first one after an empty cursor, the others after the page before's Next. One that is suspended or reactivated while the list is read may
// be on two pages or on none. It only reads. Lists lag: what seems to be missing is to be looked up by itself.
func (c *Client) Owned(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
	const operation = "ListAccounts"
	query, err := url.ParseQuery(cursor)
	if cursor == "" {
		query = url.Values{"Status": {Active}, "PageSize": {ownedPageSize}}
	}
	status := query.Get("Status")
	if err != nil || status != Active && status != Suspended {
		return fleet.OwnedPage{}, &fault.Error{Code: fault.Internal, Vendor: vendor, Operation: operation,
			Text: "not sent: the cursor is none", NothingHappened: true, Err: err}
	}
	var page fleet.OwnedPage
	err = c.call(ctx, operation, query, func(api *v2010.ApiService) error {
		list, err := api.PageAccount(nil, "", "")
		if err == nil && list.Accounts == nil {
			err = errors.New("no accounts") // an answer without the list is not an empty list
		}
		if err == nil {
			page.Owned, err = c.owned(list.Accounts)
		}
		if err == nil {
			page.Next, err = following(deref(list.NextPageUri), status)
		}
		return err
	})
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	return page, nil
}

// following is the cursor of the page after one of a status, which names it by its address or is the last of its status.
func following(next, status string) (string, error) {
	if next == "" {
		if status == Active {
			return url.Values{"Status": {Suspended}, "PageSize": {ownedPageSize}}.Encode(), nil
		}
		return "", nil
	}
	u, err := url.Parse(next)
	if err != nil || u.Query().Get("Status") != status {
		return "", errors.New("the next page's address has no query")
	}
	return u.RawQuery, nil
}

func (c *Client) owned(accounts []v2010.ApiV2010Account) ([]fleet.Owned, error) {
	var found []fleet.Owned
	for _, a := range accounts {
		one, err := account(a)
		if err != nil {
			return nil, err
		}
		if instance, ours := fleet.ResourceOwner(one.Name); ours && c.sub(one) {
			found = append(found, fleet.Owned{Kind: fleet.TwilioSubaccount, InstanceID: instance, Name: one.Name, ID: one.SID})
		}
	}
	return found, nil
}

// sub reports whether an account is one of ours that is not closed, and not the parent.
func (c *Client) sub(a Account) bool {
	return a.Owner == c.parent() && a.SID != c.parent() && a.Status != Closed
}
