package twilio

import (
	"context"
	"errors"
	"net/url"

	v2010 "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/project-gimbal/fleet/internal/provider"
)

// Key is an API key of an account.
type Key struct {
	SID  string // SK and 32 hexadecimal digits
	Name string // friendly name, at most 64 characters; not unique
	// Secret is only there in CreateKey's answer: Twilio shows it once.
	Secret provider.Secret
}

// FindKeys gives an account's keys of exactly that friendly name, without their secrets. Twilio's list has no filter, so
// it reads all pages. An account that is closed or unknown has none.
func (c *Client) FindKeys(ctx context.Context, account, name string) ([]Key, error) {
	const operation = "ListKeys"
	if !accountSID().MatchString(account) {
		return nil, malformed(operation)
	}
	var found []Key
	err := c.pages(ctx, operation, url.Values{}, func(api *v2010.ApiService) (*string, error) {
		list, err := api.PageKey(new(v2010.ListKeyParams).SetPathAccountSid(account), "", "")
		if err != nil {
			return nil, err
		}
		if list.Keys == nil {
			return nil, errors.New("no keys") // an answer without the list is not an empty list
		}
		for _, k := range list.Keys {
			if !keySID().MatchString(deref(k.Sid)) || k.FriendlyName == nil {
				return nil, errors.New("a key without SID or name")
			}
			if *k.FriendlyName == name {
				found = append(found, Key{SID: *k.Sid, Name: name})
			}
		}
		return list.NextPageUri, nil
	})
	if gone(err) || closed(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// CreateKey makes an API key for an account. Its secret is shown this once: when the answer is lost, delete the key by
// FindKeys and DeleteKey and make another.
func (c *Client) CreateKey(ctx context.Context, account, name string) (Key, error) {
	const operation = "CreateKey"
	if !accountSID().MatchString(account) {
		return Key{}, malformed(operation)
	}
	var made Key
	err := c.call(ctx, operation, nil, func(api *v2010.ApiService) error {
		k, err := api.CreateNewKey(new(v2010.CreateNewKeyParams).SetPathAccountSid(account).SetFriendlyName(name))
		if err != nil {
			return err
		}
		if !keySID().MatchString(deref(k.Sid)) || deref(k.Secret) == "" {
			return errors.New("a key without SID or secret")
		}
		made = Key{SID: *k.Sid, Name: deref(k.FriendlyName), Secret: provider.NewSecret(*k.Secret)}
		return nil
	})
	if err != nil {
		return Key{}, err
	}
	return made, nil
}

// DeleteKey deletes an account's key. A key that is gone already, or died with its closed account, is no failure.
func (c *Client) DeleteKey(ctx context.Context, account, sid string) error {
	const operation = "DeleteKey"
	if !accountSID().MatchString(account) || !keySID().MatchString(sid) {
		return malformed(operation)
	}
	err := c.call(ctx, operation, nil, func(api *v2010.ApiService) error {
		return api.DeleteKey(sid, new(v2010.DeleteKeyParams).SetPathAccountSid(account))
	})
	if gone(err) || closed(err) {
		return nil
	}
	return err
}
