package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
)

// ErrCredentialChanged is returned for a call that a vendor refused because its credential is no longer the one to use. Nothing
// happened; the next try uses the new one.
var ErrCredentialChanged = errors.New("the vendor refused a credential that has been changed since")

// errCredentialUnsure is returned for a call that a vendor refused while nobody knows whether the credential was changed.
var errCredentialUnsure = errors.New("the vendor refused a credential that can't be read again just now")

// credentialOf names Fleet's own credential at each vendor.
var credentialOf = map[string]string{"supabase": SupabaseToken, "vercel": VercelToken, "cloudflare": CloudflareToken,
	"twilio": TwilioToken, "sendgrid": SendGridKey}

// Watch is the transport through which all clients' calls go. Where a vendor refuses one of Fleet's own credentials, it reads that
// anew. If it has changed, the call fails with ErrCredentialChanged, which Failed makes a transient fault of a call that did
// nothing; if not, the refusal stands. Which refusals are about the credential is no matter: 401 is (Supabase, Twilio's 20003,
// SendGrid), 403 can be (Vercel, Cloudflare's 9109), and a call that was refused for another reason may fare better with the new
// one. Calls with an instance's own keys go by untouched.
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
	name := credentialOf[w.places.Vendor(req.URL)]
	used := shown(req)
	if name == "" || used.Empty() || !w.credentials.own(name, used) {
		return answer, nil
	}
	changed, err := w.credentials.changed(req.Context(), name, used)
	switch {
	case changed:
		err = ErrCredentialChanged
	case err != nil && fault.CodeOf(err).Transient():
		err = fmt.Errorf("%w: %w", errCredentialUnsure, err)
	default: // it is the same, or is gone for good
		return answer, nil
	}
	_ = answer.Body.Close() // nobody reads it
	return nil, err
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
