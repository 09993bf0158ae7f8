package supabase

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opCreateUser   = "CreateUser"
	opGetUser      = "GetUser"
	opGenerateLink = "GenerateLink"
)

// NewUser is what a user of an instance is made of. Printed, it shows its id only: the rest is personal data.
type NewUser struct {
	ID    string // a UUID of the caller's choice, by which a repeat finds it
	Email string
	// Confirmed spares the user the confirmation of the address. A confirmed user can't be invited any more.
	Confirmed    bool
	UserMetadata map[string]any // the user may change it
	AppMetadata  map[string]any // only the service key may
}

func (u NewUser) String() string       { return u.ID }
func (u NewUser) GoString() string     { return u.ID }
func (u NewUser) LogValue() slog.Value { return slog.StringValue(u.ID) }

// User is a user of an instance. Printed, it shows its id only: the rest is personal data.
type User struct {
	ID        string // UUID
	Email     string
	Confirmed bool
}

func (u User) String() string       { return u.ID }
func (u User) GoString() string     { return u.ID }
func (u User) LogValue() slog.Value { return slog.StringValue(u.ID) }

type createUser struct {
	ID           string         `json:"id"`
	Email        string         `json:"email"`
	EmailConfirm bool           `json:"email_confirm"`
	UserMetadata map[string]any `json:"user_metadata,omitempty"`
	AppMetadata  map[string]any `json:"app_metadata,omitempty"`
}

type userAnswer struct {
	ID          string  `json:"id"`
	Email       string  `json:"email"`
	ConfirmedAt *string `json:"email_confirmed_at"`
}

func (a *userAnswer) complete() bool { return uuids().MatchString(a.ID) }

func (a *userAnswer) user() User {
	return User{ID: a.ID, Email: a.Email, Confirmed: value(a.ConfirmedAt) != ""}
}

var uuids = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
})

// CreateUser makes a user without a usable password and without sending mail. Needs an open attempt. key is the
// project's service key. Conflict when the address is taken, by an earlier attempt of the same id as well: look the
// user up by id first.
func (c *Client) CreateUser(ctx context.Context, ref string, key provider.Secret, u NewUser) (User, error) {
	id := strings.ToLower(u.ID)
	if !uuids().MatchString(id) {
		return User{}, unsent(opCreateUser, fault.Internal, "the user's id is not a UUID", nil)
	}
	answer := &userAnswer{}
	err := c.inProject(ctx, ref, key, request{
		operation: opCreateUser, method: http.MethodPost, path: "/auth/v1/admin/users", out: answer,
		in: createUser{id, u.Email, u.Confirmed, u.UserMetadata, u.AppMetadata},
	})
	if err != nil {
		return User{}, err
	}
	if answer.ID != id {
		return User{}, unusable(opCreateUser, http.StatusOK, "the answer is about another user", nil)
	}
	return answer.user(), nil
}

// User looks a user up by id; false if there is none. key is the project's service key.
func (c *Client) User(ctx context.Context, ref string, key provider.Secret, id string) (User, bool, error) {
	id = strings.ToLower(id)
	if !uuids().MatchString(id) {
		return User{}, false, unsent(opGetUser, fault.Internal, "the user's id is not a UUID", nil)
	}
	answer := &userAnswer{}
	err := c.inProject(ctx, ref, key, request{
		operation: opGetUser, method: http.MethodGet, path: "/auth/v1/admin/users/" + id, out: answer,
	})
	// Only this code means that the user is missing: another 404 comes from the gateway.
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Status == http.StatusNotFound && f.VendorCode == "user_not_found" {
		return User{}, false, nil
	}
	if err != nil {
		return User{}, false, err
	}
	if answer.ID != id {
		return User{}, false, unusable(opGetUser, http.StatusOK, "the answer is about another user", nil)
	}
	return answer.user(), true, nil
}

type generateLink struct {
	Type       string `json:"type"`
	Email      string `json:"email"`
	RedirectTo string `json:"redirect_to,omitempty"`
}

type linkAnswer struct {
	ActionLink string  `json:"action_link"`
	RedirectTo *string `json:"redirect_to"`
}

func (a *linkAnswer) complete() bool {
	u, err := url.Parse(a.ActionLink)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// GenerateLink makes a link for a mail that Fleet sends itself; whoever opens it is signed in, so it is a secret. kind
// is "invite", for a user who has not confirmed the address, or "recovery", for one who exists. Needs an open attempt:
// it replaces the link made before, and an invitation creates a missing user.
//
// Supabase silently ignores a redirectTo that the Auth settings don't allow (yet): that is NotReady, so that nobody
// gets a link that leads elsewhere. Conflict when the user to invite has confirmed the address.
func (c *Client) GenerateLink(
	ctx context.Context, ref string, key provider.Secret, kind, email, redirectTo string,
) (provider.Secret, error) {
	if kind != "invite" && kind != "recovery" {
		return provider.Secret{}, unsent(opGenerateLink, fault.Internal, "no such kind of link", nil)
	}
	answer := &linkAnswer{}
	err := c.inProject(ctx, ref, key, request{
		operation: opGenerateLink, method: http.MethodPost, path: "/auth/v1/admin/generate_link", out: answer,
		in: generateLink{kind, email, redirectTo},
	})
	if err != nil {
		return provider.Secret{}, err
	}
	if redirectTo != "" && answer.RedirectTo != nil && *answer.RedirectTo != redirectTo {
		return provider.Secret{}, &fault.Error{
			Code: fault.NotReady, Vendor: Name, Operation: opGenerateLink,
			Text: "the Auth settings don't allow this redirection yet",
		}
	}
	return provider.NewSecret(answer.ActionLink), nil
}
