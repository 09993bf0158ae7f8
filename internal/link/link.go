// Package link makes the links in Fleet's mails by which people without an account act, and reads them: each carries a JWT (RFC 7519)
// signed by HS256, good for one purpose about one instance until its end.
package link

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// Purpose is what a link is for: the part of its path before the token. A token of one purpose is none of another.
type Purpose string

const (
	// Decisions: operators decide on a signup.
	Decisions Purpose = "decisions"
	// Downloads: an instance's administrator fetches an export.
	Downloads Purpose = "downloads"
)

// audience is what a purpose's tokens are for, and nothing else of Fleet's.
func (p Purpose) audience() jwt.Audience { return jwt.Audience{"gimbal-fleet/" + string(p)} }

// maxToken is far over a token's length, in bytes.
const maxToken = 1024

// Authority is what a link's token proves.
type Authority struct {
	InstanceID string
	// Subject is what about the instance it is: the message that it came in, or an export.
	Subject string
}

// Make makes a link to Fleet's page for a purpose. It is made when it is sent, and never stored.
func Make(ctx context.Context, env step.Env, p Purpose, a Authority, until time.Time) (string, error) {
	secret, err := env.Provider.Credential(ctx, step.LinkSecret)
	if err != nil {
		return "", err
	}
	keys, err := Keys(ctx, env, secret)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: keys[0]}, nil)
	if err != nil {
		return "", unsigned(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Subject: a.InstanceID, Audience: p.audience(), ID: a.Subject,
		Expiry: jwt.NewNumericDate(until)}).Serialize()
	if err != nil {
		return "", unsigned(err)
	}
	return env.Settings.PublicURL + "/" + string(p) + "/" + token, nil
}

func unsigned(err error) error {
	return &fault.Error{Code: fault.Internal, Text: "the link can't be signed", Err: err}
}

// mostSecrets may be valid at once: the one in use, and the one before it while links that it signed are out.
const mostSecrets = 2

// Keys are the credential's secrets, which white space separates: the first signs, and what was signed with either is taken. One that
// is too short is passed over while there is another, and told in the log: a slip in the new one must not take down the old one.
func Keys(ctx context.Context, env step.Env, secrets provider.Secret) ([][]byte, error) {
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

var (
	// ErrForged is what Verify returns for a token that Fleet never made, or not for this purpose.
	ErrForged = errors.New("the link is not one of Fleet's")
	// ErrOver is what Verify returns for one whose time is over.
	ErrOver = errors.New("the link's time is over")
)

// Verify checks a link's token: ErrForged, ErrOver, or a fault where the credential can't be read.
func Verify(ctx context.Context, env step.Env, p Purpose, token string) (Authority, error) {
	if len(token) > maxToken || !exact(token) {
		return Authority{}, ErrForged
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Authority{}, ErrForged
	}
	claims, err := claimsOf(ctx, env, parsed)
	if err != nil {
		return Authority{}, err
	}
	if claims == nil || claims.Expiry == nil || !fleet.IsInstanceID(claims.Subject) || claims.ID == "" {
		return Authority{}, ErrForged
	}
	now := env.Clock.Now()
	err = claims.ValidateWithLeeway(jwt.Expected{AnyAudience: p.audience(), Time: now}, 0)
	switch {
	case errors.Is(err, jwt.ErrExpired), err == nil && !now.Before(claims.Expiry.Time()):
		return Authority{}, ErrOver
	case err != nil:
		return Authority{}, ErrForged
	}
	return Authority{claims.Subject, claims.ID}, nil
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
	keys, err := Keys(ctx, env, secrets)
	for _, key := range keys {
		var claims jwt.Claims
		if token.Claims(key, &claims) == nil {
			return &claims, nil
		}
	}
	return nil, err
}
