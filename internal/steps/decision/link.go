package decision

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// audience is what these tokens are for, and nothing else of Fleet's.
const audience = "gimbal-fleet/decisions"

// maxToken is far over a token's length, in bytes.
const maxToken = 1024

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Link makes the link by which whoever has it may decide on a signup, once, as long as it waits: a JWT (RFC 7519) signed by HS256.
// Message is the one that it is sent in; the audit names the decision's author by it. It is made when it is sent, and never stored.
func Link(ctx context.Context, env step.Env, s fleet.Signup, message string) (string, error) {
	secret, err := env.Provider.Credential(ctx, step.LinkSecret)
	if err != nil {
		return "", err
	}
	keys, err := linkKeys(ctx, env, secret)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: keys[0]}, nil)
	if err != nil {
		return "", unsigned(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Subject: s.InstanceID, Audience: jwt.Audience{audience}, ID: message,
		Expiry: jwt.NewNumericDate(Deadline(s))}).Serialize()
	if err != nil {
		return "", unsigned(err)
	}
	return env.Settings.PublicURL + "/decisions/" + token, nil
}

func unsigned(err error) error {
	return &fault.Error{Code: fault.Internal, Text: "the link can't be signed", Err: err}
}

// mostSecrets may be valid at once: the one in use, and the one before it while links that it signed are out.
const mostSecrets = 2

// linkKeys are the credential's secrets, which white space separates: the first signs, and links signed with either are taken. One that
// is too short is passed over while there is another, and told in the log: a slip in the new one must not take down the old one.
func linkKeys(ctx context.Context, env step.Env, secrets provider.Secret) ([][]byte, error) {
	words := strings.Fields(secrets.Reveal())
	var keys [][]byte
	for _, word := range words {
		if len(word) >= step.MinLinkSecret {
			keys = append(keys, []byte(word))
		}
	}
	if len(keys) == 0 || len(words) > mostSecrets {
		return nil, fault.New(fault.Internal, "the credential %s holds no secret of %d bytes, or more than %d secrets", step.LinkSecret, step.MinLinkSecret, mostSecrets)
	}
	if len(keys) < len(words) {
		env.Log.ErrorContext(ctx, "one of the link secrets is too short", "bytes at least", step.MinLinkSecret)
	}
	return keys, nil
}

// Authority is what a link's token proves.
type Authority struct {
	InstanceID string
	// Actor is who decides by it, for the audit: "link:" and the message that it came in.
	Actor string
}

// Verify checks a link's token: a 404 fault for one that Fleet never made, a 410 fault for one whose time is over.
func Verify(ctx context.Context, env step.Env, token string) (Authority, error) {
	forged := httpapi.Refuse(http.StatusNotFound, fault.Rejected, "This link is not one of Gimbal's, or a part of it got lost on its way.")
	if len(token) > maxToken || !exact(token) {
		return Authority{}, forged
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Authority{}, forged
	}
	claims, err := claimsOf(ctx, env, parsed)
	if err != nil {
		return Authority{}, err
	}
	if claims == nil || claims.Expiry == nil || !fleet.IsInstanceID(claims.Subject) || claims.ID == "" {
		return Authority{}, forged
	}
	now := env.Clock.Now()
	err = claims.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: now}, 0)
	switch {
	case errors.Is(err, jwt.ErrExpired), err == nil && !now.Before(claims.Expiry.Time()):
		return Authority{}, httpapi.Refuse(http.StatusGone, fault.Overdue, "The time to decide on this signup is over: it expires, and its slug is free. Whoever still wants an instance signs up again.")
	case err != nil:
		return Authority{}, forged
	}
	return Authority{claims.Subject, "link:" + claims.ID}, nil
}

// exact reports whether a token is spelt as it was minted. Base64's reader takes other spellings of the same bytes, too: with line
// breaks in them, or with other bits at the end.
func exact(token string) bool {
	for part := range strings.SplitSeq(token, ".") {
		read, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(read) != part {
			return false
		}
	}
	return true
}

// claimsOf are a token's claims, nil where none of the secrets signed it. Before that is said the secret is read anew, since it may just
// have been changed.
func claimsOf(ctx context.Context, env step.Env, token *jwt.JSONWebToken) (*jwt.Claims, error) {
	secret, err := env.Provider.Credential(ctx, step.LinkSecret)
	if err != nil {
		return nil, err
	}
	claims, err := signedWith(ctx, env, secret, token)
	if claims == nil && err == nil {
		if fresh, changed := env.Provider.Reread(ctx, step.LinkSecret, secret); changed {
			return signedWith(ctx, env, fresh, token)
		}
	}
	return claims, err
}

func signedWith(ctx context.Context, env step.Env, secrets provider.Secret, token *jwt.JSONWebToken) (*jwt.Claims, error) {
	keys, err := linkKeys(ctx, env, secrets)
	for _, key := range keys {
		var claims jwt.Claims
		if token.Claims(key, &claims) == nil {
			return &claims, nil
		}
	}
	return nil, err
}

// Waiting reads the signup of a link that may still decide on it. Where it is decided already, the signup comes with a 410 fault.
func Waiting(ctx context.Context, env step.Env, token string) (Authority, *fleet.Signup, error) {
	a, err := Verify(ctx, env, token)
	if err != nil {
		return a, nil, err
	}
	s, err := env.Store.Signup(ctx, a.InstanceID)
	switch {
	case err != nil:
		return a, nil, err
	case s == nil:
		return a, nil, unknown()
	case s.Status != fleet.Requested:
		return a, s, httpapi.Refuse(http.StatusGone, fault.Conflict, "This signup was decided on already. The link changed nothing.")
	}
	return a, s, nil
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }
