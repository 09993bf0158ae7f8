package sendgrid

import (
	"context"
	"net/http"
	"strconv"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Key is a subuser's API key.
type Key struct {
	ID, Name string
	// Secret is the key itself, known only when it was just made.
	Secret provider.Secret
}

const (
	operationListKeys  = "ListKeys"
	operationCreateKey = "CreateKey"
	operationDeleteKey = "DeleteKey"
)

type wireKey struct {
	ID   string `json:"api_key_id"`
	Name string `json:"name"`
	Key  string `json:"api_key"`
}

// FindKeys lists the subuser's keys of exactly that name, of which there may be several. One made a moment ago may be
// missing. A subuser that doesn't exist has none.
func (c *Client) FindKeys(ctx context.Context, subuser, name string) ([]Key, error) {
	if err := behalf(operationListKeys, subuser); err != nil {
		return nil, err
	}
	var list struct {
		Result []wireKey `json:"result"`
	}
	err := c.read(ctx, request{
		operation: operationListKeys,
		method:    rest.Get,
		path:      "/v3/api_keys",
		// The list has no offset; an account holds 100 keys at most.
		query:   map[string]string{"limit": strconv.Itoa(pageSize)},
		subuser: subuser,
		success: []int{http.StatusOK},
	}, &list)
	if err != nil {
		if c.gone(ctx, subuser, err) {
			return nil, nil
		}
		return nil, err
	}
	if list.Result == nil {
		return nil, unusable(operationListKeys, http.StatusOK)
	}
	var found []Key
	for _, w := range list.Result {
		if !identifier().MatchString(w.ID) {
			return nil, unusable(operationListKeys, http.StatusOK)
		}
		if w.Name == name {
			found = append(found, Key{ID: w.ID, Name: w.Name})
		}
	}
	return found, nil
}

// CreateKey makes a key of the subuser's with those scopes, such as "mail.send". SendGrid gives no scopes for all
// scopes, so none is refused here. The key's value is shown this once: an answer that was lost means to delete the key
// of that name and to make another.
func (c *Client) CreateKey(ctx context.Context, subuser, name string, scopes []string) (Key, error) {
	if err := behalf(operationCreateKey, subuser); err != nil {
		return Key{}, err
	}
	if len(scopes) == 0 {
		return Key{}, unsent(operationCreateKey, fault.Internal, "it names no scopes and would get all", nil)
	}
	var made wireKey
	err := c.read(ctx, request{
		operation: operationCreateKey,
		method:    rest.Post,
		path:      "/v3/api_keys",
		subuser:   subuser,
		body:      map[string]any{"name": name, "scopes": scopes},
		success:   []int{http.StatusCreated},
	}, &made)
	if err != nil {
		return Key{}, err
	}
	if !identifier().MatchString(made.ID) || made.Key == "" || made.Name != name {
		return Key{}, unusable(operationCreateKey, http.StatusCreated)
	}
	return Key{ID: made.ID, Name: made.Name, Secret: provider.NewSecret(made.Key)}, nil
}

// DeleteKey removes a key of the subuser's. One that is gone already, with its subuser or without, is removed.
func (c *Client) DeleteKey(ctx context.Context, subuser, id string) error {
	if err := behalf(operationDeleteKey, subuser); err != nil {
		return err
	}
	if !identifier().MatchString(id) {
		return unsent(operationDeleteKey, fault.Internal, "no id of a key", nil)
	}
	return c.remove(ctx, request{operation: operationDeleteKey, path: "/v3/api_keys/" + id, subuser: subuser})
}
