package twilio

import (
	"context"
	"errors"
	"net/url"
	"slices"

	v2010 "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Status of an account, as Twilio spells it.
const (
	Active    = "active"
	Suspended = "suspended"
	Closed    = "closed"
)

// Account is a Twilio account.
type Account struct {
	SID    string // AC and 32 hexadecimal digits
	Name   string // friendly name, at most 64 characters; not unique
	Status string // Active, Suspended or Closed
	// Token is the account's primary auth token. Lists and look-ups by the parent show it, so a lost answer loses nothing.
	Token provider.Secret
	Owner string // SID of the parent account; a parent's own SID for itself
	Trial bool   // not paid for yet: nearly nothing works
}

// Parent reads the parent account itself, as which every call is made. A wrong SID or token is refused with 401, as are the
// right ones of an account that is suspended or closed.
func (c *Client) Parent(ctx context.Context) (Account, error) { return c.Account(ctx, c.parent()) }

// CountAccounts counts the subaccounts. Closed ones, which linger in lists, and the parent are none.
func (c *Client) CountAccounts(ctx context.Context) (int, error) {
	found, err := c.listAccounts(ctx, url.Values{})
	return len(found), err
}

// FindAccounts gives the subaccounts of exactly that friendly name, in Twilio's order. The parent itself, other
// owners' accounts and closed ones, which linger in lists, are left out.
func (c *Client) FindAccounts(ctx context.Context, name string) ([]Account, error) {
	list, err := c.listAccounts(ctx, url.Values{"FriendlyName": {name}})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(a Account) bool { return a.Name != name }), nil
}

// listAccounts gives the subaccounts that pass a filter and aren't closed.
func (c *Client) listAccounts(ctx context.Context, filter url.Values) ([]Account, error) {
	const operation = "ListAccounts"
	var found []Account
	err := c.pages(ctx, operation, filter, func(api *v2010.ApiService) (*string, error) {
		list, err := api.PageAccount(nil, "", "")
		if err != nil {
			return nil, err
		}
		if list.Accounts == nil {
			return nil, errors.New("no accounts") // an answer without the list is not an empty list
		}
		for _, a := range list.Accounts {
			one, err := account(a)
			if err != nil {
				return nil, err
			}
			if c.sub(one) {
				found = append(found, one)
			}
		}
		return list.NextPageUri, nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// CreateAccount makes a subaccount. Names are not unique and the call is not idempotent: look by FindAccounts before.
// QuotaExceeded means that the parent may have no more.
func (c *Client) CreateAccount(ctx context.Context, name string) (Account, error) {
	const operation = "CreateAccount"
	var made Account
	err := c.call(ctx, operation, nil, func(api *v2010.ApiService) error {
		a, err := api.CreateAccount(new(v2010.CreateAccountParams).SetFriendlyName(name))
		if err != nil {
			return err
		}
		if made, err = account(*a); err == nil && (made.Owner != c.parent() || made.Token.Empty()) {
			err = errors.New("no subaccount of ours with a token")
		}
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return made, nil
}

// CloseAccount closes a subaccount, its keys with it. That is final. An account that is closed or unknown already is
// no failure. The parent is refused without asking Twilio.
func (c *Client) CloseAccount(ctx context.Context, sid string) error {
	err := c.setStatus(ctx, sid, Closed)
	if gone(err) || closed(err) {
		return nil
	}
	return err
}

// Suspend has Twilio refuse whatever a subaccount's own credentials and keys ask for: it sends and receives nothing. What is in it
// stays, and the parent reaches it. It may be repeated. A closed account is a Conflict (21479); where there is none,
// provider.NotFound(err) holds. The parent is refused without asking Twilio.
func (c *Client) Suspend(ctx context.Context, sid string) error {
	return c.setStatus(ctx, sid, Suspended)
}

// Reactivate ends a suspension of ours. It may be repeated. A closed account is a Conflict (21479), as is one that Twilio itself has
// suspended (21478), or that is suspended through its parent (21476); where there is none, provider.NotFound(err) holds.
func (c *Client) Reactivate(ctx context.Context, sid string) error {
	return c.setStatus(ctx, sid, Active)
}

// setStatus changes the status of a subaccount.
func (c *Client) setStatus(ctx context.Context, sid, status string) error {
	const operation = "UpdateAccount"
	if !accountSID().MatchString(sid) {
		return malformed(operation)
	}
	if sid == c.parent() {
		return &fault.Error{Code: fault.NotOurs, Vendor: vendor, Operation: operation,
			Text: "not sent: the parent account's status is not changed", NothingHappened: true}
	}
	return c.call(ctx, operation, nil, func(api *v2010.ApiService) error {
		a, err := api.UpdateAccount(sid, new(v2010.UpdateAccountParams).SetStatus(status))
		if err != nil {
			return err
		}
		if deref(a.Sid) != sid || deref(a.Status) != status {
			return errors.New("the account isn't shown with that status")
		}
		return nil
	})
}

// Account reads one account, closed ones too. Where there is none, provider.NotFound(err) holds.
func (c *Client) Account(ctx context.Context, sid string) (Account, error) {
	const operation = "FetchAccount"
	if !accountSID().MatchString(sid) {
		return Account{}, malformed(operation)
	}
	var read Account
	err := c.call(ctx, operation, nil, func(api *v2010.ApiService) error {
		a, err := api.FetchAccount(sid)
		if err != nil {
			return err
		}
		if read, err = account(*a); err == nil && read.SID != sid {
			err = errors.New("another account than asked for")
		}
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return read, nil
}

// OpenAccount reads one account for calls in its own name. It is not open, and nothing in it is reached, when it is closed or
// there is none.
func (c *Client) OpenAccount(ctx context.Context, sid string) (a Account, open bool, err error) {
	a, err = c.Account(ctx, sid)
	if gone(err) || closed(err) {
		return Account{}, false, nil
	}
	return a, err == nil && a.Status != Closed, err
}

// account reads an account as Twilio shows it. Everything in the document is optional; Fleet can't do without these.
func account(a v2010.ApiV2010Account) (Account, error) {
	out := Account{
		SID:    deref(a.Sid),
		Name:   deref(a.FriendlyName),
		Status: deref(a.Status),
		Token:  provider.NewSecret(deref(a.AuthToken)),
		Owner:  deref(a.OwnerAccountSid),
		Trial:  deref(a.Type) == "Trial",
	}
	known := out.Status == Active || out.Status == Suspended || out.Status == Closed
	if !accountSID().MatchString(out.SID) || !accountSID().MatchString(out.Owner) || a.FriendlyName == nil || !known {
		return Account{}, errors.New("an account without SID, owner, name or status")
	}
	return out, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
