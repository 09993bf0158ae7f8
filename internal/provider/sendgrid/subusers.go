package sendgrid

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Subuser is an account below Fleet's own.
type Subuser struct {
	Username string
	ID       int64
	Disabled bool
}

// NewSubuser is a subuser to be made.
type NewSubuser struct {
	Username string // unique over all of SendGrid: letters, digits, "_", "-", ".", "@" and "+", at most 64
	Email    string
	Password provider.Secret // at least 16 mixed characters
}

const (
	operationListSubusers  = "ListSubusers"
	operationCreateSubuser = "CreateSubuser"
	operationUpdateSubuser = "UpdateSubuser"
	operationDeleteSubuser = "DeleteSubuser"
)

const (
	pageSize = 100
	// maxPages ends a list that never does.
	maxPages = 50
)

// wireSubuser is a subuser as lists show it.
type wireSubuser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Disabled bool   `json:"disabled"`
}

// FindSubusers lists Fleet's subusers of exactly that name: one or none. One made a moment ago may be missing.
func (c *Client) FindSubusers(ctx context.Context, name string) ([]Subuser, error) {
	list, err := c.listSubusers(ctx, map[string]string{"username": name})
	if err != nil {
		return nil, err
	}
	// Whether the filter is exact is not documented.
	return slices.DeleteFunc(list, func(u Subuser) bool { return u.Username != name }), nil
}

// CountSubusers counts Fleet's subusers, disabled ones included.
func (c *Client) CountSubusers(ctx context.Context) (int, error) {
	list, err := c.listSubusers(ctx, map[string]string{})
	return len(list), err
}

func (c *Client) listSubusers(ctx context.Context, filter map[string]string) ([]Subuser, error) {
	list, err := pages[wireSubuser](ctx, c, request{operation: operationListSubusers, path: "/v3/subusers", query: filter})
	if err != nil {
		return nil, err
	}
	var found []Subuser
	seen := map[int64]bool{}
	for _, w := range list {
		if w.ID <= 0 || w.Username == "" {
			return nil, unusable(operationListSubusers, http.StatusOK)
		}
		if !seen[w.ID] { // a page that shifts shows a subuser twice
			seen[w.ID] = true
			found = append(found, Subuser{Username: w.Username, ID: w.ID, Disabled: w.Disabled})
		}
	}
	return found, nil
}

// pages reads all pages of a list that is an array, by limit and offset.
func pages[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	var all []T
	for range maxPages {
		page, err := onePage[T](ctx, c, r, len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
	}
	return nil, unusable(r.operation, http.StatusOK)
}

// CreateSubuser makes a subuser on the account's IP addresses. A name that is taken, by whomever, is a Conflict
// (CodeUsernameExists); too many subusers, QuotaExceeded (CodeSubuserLimit); IP addresses that SendGrid can't check
// just now, Unavailable (CodeIPsNotValidated). All prove that nothing happened.
func (c *Client) CreateSubuser(ctx context.Context, n NewSubuser) (Subuser, error) {
	if err := behalf(operationCreateSubuser, n.Username); err != nil {
		return Subuser{}, err
	}
	if len(c.ips) == 0 {
		return Subuser{}, unsent(operationCreateSubuser, fault.Internal, "no IP addresses are set", nil)
	}
	var made struct {
		Username string `json:"username"`
		UserID   int64  `json:"user_id"`
	}
	err := c.read(ctx, request{
		operation: operationCreateSubuser,
		method:    rest.Post,
		path:      "/v3/subusers",
		body: map[string]any{
			"username": n.Username, "email": n.Email, "password": n.Password.Reveal(), "ips": c.ips,
		},
		// The document says 200; the status of a creation is accepted as well.
		success: []int{http.StatusOK, http.StatusCreated},
	}, &made)
	if err != nil {
		return Subuser{}, err
	}
	if !strings.EqualFold(made.Username, n.Username) || made.UserID <= 0 {
		return Subuser{}, unusable(operationCreateSubuser, http.StatusOK)
	}
	return Subuser{Username: made.Username, ID: made.UserID}, nil
}

// SetDisabled disables or enables a subuser. A disabled one can't send, nor use SendGrid in any other way; its keys, domains and webhooks
// stay. It may be repeated. Where there is no such subuser it is Rejected.
func (c *Client) SetDisabled(ctx context.Context, username string, disabled bool) error {
	if err := behalf(operationUpdateSubuser, username); err != nil {
		return err
	}
	_, err := c.call(ctx, request{
		operation: operationUpdateSubuser,
		method:    rest.Patch,
		path:      "/v3/subusers/" + url.PathEscape(username),
		body:      map[string]bool{"disabled": disabled},
		success:   []int{http.StatusNoContent},
	})
	return err
}

// DeleteSubuser removes a subuser for good, with keys, domains and statistics. One that is gone already is removed.
func (c *Client) DeleteSubuser(ctx context.Context, name string) error {
	if err := behalf(operationDeleteSubuser, name); err != nil {
		return err
	}
	return c.remove(ctx, request{operation: operationDeleteSubuser, path: "/v3/subusers/" + url.PathEscape(name)})
}

// remove sends a DELETE, whose 404 is as good as its 204.
func (c *Client) remove(ctx context.Context, r request) error {
	r.method, r.success = rest.Delete, []int{http.StatusNoContent}
	_, err := c.call(ctx, r)
	if provider.NotFound(err) || (r.subuser != "" && err != nil && c.gone(ctx, r.subuser, err)) {
		return nil
	}
	return err
}
