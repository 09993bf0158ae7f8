package supabase

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// SignIn is what lets people into a project. The zero value lets nobody in.
type SignIn struct {
	// Ways are the settings that are on, by the vendor's names, sorted: "external_email_enabled", "external_google_enabled",
	// "saml_enabled" …
	Ways []string
	// SignUp: people whom nobody invited may make themselves an account.
	SignUp bool
}

const (
	byEmail       = "external_email_enabled"
	disableSignup = "disable_signup"
)

// lettingIn reports whether a setting of Auth is a way in.
func lettingIn(setting string) bool {
	return strings.HasPrefix(setting, "external_") && strings.HasSuffix(setting, "_enabled") ||
		slices.Contains([]string{"saml_enabled", "passkey_enabled", "custom_oauth_enabled"}, setting)
}

// switches are the settings of Auth that are on or off. Those that are neither are left out.
type switches map[string]bool

func (s *switches) UnmarshalJSON(text []byte) error {
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*s = switches{}
	for name, value := range all {
		if on, is := value.(bool); is {
			(*s)[name] = on
		}
	}
	// By default people sign in by address, and up.
	for name, otherwise := range map[string]bool{byEmail: true, disableSignup: false} {
		if value, there := all[name]; there && value == nil {
			(*s)[name] = otherwise
		}
	}
	return nil
}

func (s *switches) complete() bool {
	_, email := (*s)[byEmail]
	_, signup := (*s)[disableSignup]
	return email && signup
}

func (s switches) signIn() SignIn {
	in := SignIn{SignUp: !s[disableSignup]}
	for name, on := range s {
		if on && lettingIn(name) {
			in.Ways = append(in.Ways, name)
		}
	}
	slices.Sort(in.Ways)
	return in
}

// SignIn reads what lets people into a project.
func (c *Client) SignIn(ctx context.Context, ref string) (SignIn, error) {
	now, err := c.switches(ctx, ref)
	if err != nil {
		return SignIn{}, err
	}
	return now.signIn(), nil
}

func (c *Client) switches(ctx context.Context, ref string) (switches, error) {
	now := switches{}
	err := c.onProject(ctx, ref, "/config/auth", request{operation: opGetAuthConfig, method: http.MethodGet, out: &now})
	if err != nil {
		return nil, err
	}
	return now, nil
}

// SetSignIn lets people into a project by those ways and no others: what SignIn gave before restores it exactly. It reads the settings and
// changes all that differ at once. Whoever is signed in stays so, and can go on with their refresh token. Needs an open attempt; may be
// repeated.
func (c *Client) SetSignIn(ctx context.Context, ref string, to SignIn) error {
	now, err := c.switches(ctx, ref)
	if err != nil {
		return err
	}
	change := map[string]bool{disableSignup: !to.SignUp, byEmail: slices.Contains(to.Ways, byEmail)}
	for _, name := range now.signIn().Ways {
		change[name] = slices.Contains(to.Ways, name)
	}
	for _, name := range to.Ways {
		change[name] = true
	}
	after := switches{}
	err = c.onProject(ctx, ref, "/config/auth", request{operation: opUpdateAuthConfig, method: http.MethodPatch, in: change, out: &after})
	if err != nil {
		return err
	}
	for name, on := range change { // the answer is the whole configuration
		if is, shown := after[name]; !shown || is != on {
			return unusable(opUpdateAuthConfig, http.StatusOK, "the answer doesn't show the change", nil)
		}
	}
	return nil
}
