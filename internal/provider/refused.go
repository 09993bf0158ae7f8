package provider

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
)

// ErrCredentialChanged is returned for a call that a vendor refused because its credential is no longer the one to use. Nothing
// happened; the next try uses the new one.
var ErrCredentialChanged = errors.New("the vendor refused a credential that has been changed since")

// ErrCredentialRefused is returned for a call that a vendor refused because it doesn't accept Fleet's own credential, which is still
// the one to use. Nothing happened; it takes a person to put another one there.
var ErrCredentialRefused = errors.New("the vendor refuses Fleet's own credential")

// ErrCredentialUnsure is returned for a call that a vendor refused while nobody knows whether the credential was changed.
var ErrCredentialUnsure = errors.New("the vendor refused a credential that can't be read again just now")

// credentialOf names Fleet's own credential at each vendor.
var credentialOf = map[string]string{"supabase": SupabaseToken, "vercel": VercelToken, "cloudflare": CloudflareToken,
	"twilio": TwilioToken, "sendgrid": SendGridKey}

// CredentialOf is the name of Fleet's own credential at a vendor.
func CredentialOf(vendor string) string { return credentialOf[vendor] }

// Watch is the transport through which all clients' calls go. Where a vendor refuses one of Fleet's own credentials, it reads that
// anew. If it has changed, the call fails with ErrCredentialChanged, whatever the refusal was for: it may fare better with the new
// one. If not, a refusal of the credential itself fails with ErrCredentialRefused; any other stands. Failed makes transient faults of
// calls that did nothing of both. Calls with an instance's own keys go by untouched.
func (c *Credentials) Watch(places Endpoints, next http.RoundTripper) http.RoundTripper {
	return watch{c, places, next}
}

type watch struct {
	credentials *Credentials
	places      Endpoints
	next        http.RoundTripper
}

func (w watch) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(req)
	if err != nil || answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
		return answer, err
	}
	name := CredentialOf(w.places.Vendor(req.URL))
	used := shown(req)
	if name == "" || used.Empty() || !w.credentials.own(name, used) {
		return answer, nil
	}
	changed, err := w.credentials.changed(req.Context(), name, used)
	switch {
	case changed:
		err = ErrCredentialChanged
	case err != nil && fault.CodeOf(err).Transient():
		err = fmt.Errorf("%w: %w", ErrCredentialUnsure, err)
	case w.unaccepted(req, answer): // it is the same, or is gone for good
		err = ErrCredentialRefused
	default:
		return answer, nil
	}
	_ = answer.Body.Close() // nobody reads it
	return nil, err
}

// unaccepted reports whether a refusal is of the credential itself. A 401 is, but for two: Cloudflare's verification knows no
// account's tokens, and on behalf of another account it may be that account that isn't accepted, so Fleet's own is asked for. A 403
// is where Vercel and Cloudflare say so.
func (w watch) unaccepted(req *http.Request, answer *http.Response) bool {
	if answer.StatusCode == http.StatusForbidden {
		return tokenRefused(answer)
	}
	if strings.HasSuffix(req.URL.Path, "/user/tokens/verify") {
		return false
	}
	path := w.places.own(req)
	if path == "" {
		return true
	}
	ask := req.Clone(req.Context())
	ask.Method, ask.Body, ask.ContentLength, ask.GetBody = http.MethodGet, nil, 0, nil
	ask.Header = http.Header{"Authorization": req.Header["Authorization"]}
	ask.URL.Path, ask.URL.RawPath, ask.URL.RawQuery = path, "", ""
	own, err := w.next.RoundTrip(ask)
	if err != nil {
		return false
	}
	_ = own.Body.Close() // its status says all
	return own.StatusCode == http.StatusUnauthorized
}

// own is where Fleet's own account is read, for a request on behalf of another one; empty for one that is about Fleet's own.
func (e Endpoints) own(req *http.Request) string {
	switch e.Vendor(req.URL) {
	case "sendgrid":
		if req.Header.Get("On-Behalf-Of") != "" {
			return "/v3/scopes"
		}
	case "twilio":
		before, after, found := strings.Cut(req.URL.Path, "/Accounts/")
		account, _, _ := strings.Cut(strings.TrimSuffix(after, ".json"), "/")
		if sid, _, _ := req.BasicAuth(); found && account != sid {
			return before + "/Accounts/" + sid + ".json"
		}
	}
	return ""
}

// cloudflareToken is Cloudflare's code of an invalid access token, with 403.
const cloudflareToken = 9109

// tokenRefused reports whether a 403 says that the token isn't accepted, as Vercel and Cloudflare do, and not that it may not do
// this. The body can be read again.
func tokenRefused(answer *http.Response) bool {
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	answer.Body = again{io.MultiReader(bytes.NewReader(text), answer.Body), answer.Body}
	var told struct {
		Error struct {
			InvalidToken bool `json:"invalidToken"`
		} `json:"error"`
		Errors []struct {
			Code int64 `json:"code"`
		} `json:"errors"`
	}
	if err != nil || json.Unmarshal(text, &told) != nil {
		return false
	}
	return told.Error.InvalidToken || len(told.Errors) > 0 && told.Errors[0].Code == cloudflareToken
}

// again is a body of which a part was read and put back.
type again struct {
	io.Reader
	io.Closer
}

// shown is the credential that a request carries, as bearer token or as basic password.
func shown(req *http.Request) Secret {
	scheme, rest, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		return NewSecret(rest)
	case "basic":
		text, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return Secret{}
		}
		_, password, _ := strings.Cut(string(text), ":")
		return NewSecret(password)
	}
	return Secret{}
}

// Reread gives a credential anew because used did not fit, and whether it is another one. A Config that can't read again gives the
// same.
func (c Config) Reread(ctx context.Context, name string, used Secret) (Secret, bool) {
	if c.Anew == nil {
		return used, false
	}
	return c.Anew(ctx, name, used)
}
