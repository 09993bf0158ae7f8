package provider_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/provider"
)

func TestVendor(t *testing.T) {
	local := provider.Endpoints{Supabase: "http://127.0.0.1:1", SupabaseProject: "http://127.0.0.1:1/project/{ref}", Vercel: "http://127.0.0.1:2",
		Cloudflare: "http://127.0.0.1:3/client/v4"}
	for _, c := range []struct {
		at        provider.Endpoints
		url, want string
	}{
		{provider.Production(), "https://api.supabase.com/v1/projects", "supabase"},
		{provider.Production(), "https://abc.supabase.co/auth/v1", "supabase"},
		{provider.Production(), "https://abc.supabase.com/auth/v1", ""},
		{provider.Production(), "https://api.cloudflare.com/client/v4/zones", "cloudflare"},
		{provider.Production(), "https://api.twilio.com/2010-04-01/Accounts.json", "twilio"},
		{provider.Production(), "https://messaging.twilio.com/v1/Services", "twilio"},
		{provider.Production(), "https://api.twilio.com.example/", ""},
		{local, "http://127.0.0.1:1/project/abc/auth", "supabase"},
		{local, "http://127.0.0.1:2/v9", "vercel"},
		{local, "http://127.0.0.1:3/client/v4/zones", "cloudflare"},
		{local, "http://127.0.0.1:4/", ""},
		{local, "/", ""},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.at.Vendor(u); got != c.want {
			t.Errorf("%s is %q, want %q", c.url, got, c.want)
		}
	}
}

func TestAccount(t *testing.T) {
	local := provider.Endpoints{Supabase: "http://127.0.0.1:1", SupabaseProject: "http://127.0.0.1:1/project/{ref}"}
	beside := provider.Endpoints{Supabase: "https://api.supabase.test", SupabaseProject: "https://{ref}.supabase.test"}
	for _, c := range []struct {
		at        provider.Endpoints
		url, want string
	}{
		{provider.Production(), "https://api.supabase.com/v1/projects", "supabase"},
		{provider.Production(), "https://abc.supabase.co/auth/v1", ""},
		{provider.Production(), "https://api.cloudflare.com/client/v4/zones", "cloudflare"},
		{local, "http://127.0.0.1:1/project/abc/auth", ""},
		{local, "http://127.0.0.1:1/v1/projects", "supabase"},
		{local, "/", ""},
		{beside, "https://api.supabase.test/v1/projects", "supabase"},
		{beside, "https://abc.supabase.test/auth/v1", ""},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.at.Account(u); got != c.want {
			t.Errorf("%s is an account at %q, want %q", c.url, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]bool{"email_exists": true, "ENV_CONFLICT": true, "NoSuchBucket": true, "invalid_sha1": true, "a.b-c": true,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false, "free text": false, "a__b": false, "7": false, "x\n": false,
		"sbp_4f0c7d1e2b3a495867788695a4b3c2d1e0f9a8b7": false, "kJ8sLq2VnXw5Rt7YpZ3mBc6D": false} {
		if got := provider.Code(text); got != map[bool]string{true: text}[want] {
			t.Errorf("of %q it keeps %q", text, got)
		}
	}
}
