package provider

import (
	"net/url"
	"strings"
)

// Account names the vendor whose API, with Fleet's own account and its rate limit, a URL is at: Vendor, but empty for an instance's
// own Supabase project.
func (e Endpoints) Account(u *url.URL) string {
	_, place, _ := strings.Cut(e.SupabaseProject, "://")
	host, path, _ := strings.Cut(place, "/")
	if before, after, perProject := strings.Cut(host, "{ref}"); perProject {
		_, api, _ := strings.Cut(e.Supabase, "://")
		if u.Host != api && strings.HasPrefix(u.Host, before) && strings.HasSuffix(u.Host, after) {
			return ""
		}
	} else if before, _, _ := strings.Cut(path, "{ref}"); before != "" && u.Host == host && strings.HasPrefix(u.Path, "/"+before) {
		return ""
	}
	return e.Vendor(u)
}

// Vendor names the vendor at whose endpoint a URL is, empty for none's.
func (e Endpoints) Vendor(u *url.URL) string {
	for _, place := range []struct{ vendor, endpoint string }{
		{"supabase", e.Supabase}, {"supabase", e.SupabaseProject}, {"vercel", e.Vercel}, {"cloudflare", e.Cloudflare},
		{"twilio", e.Twilio}, {"twilio", e.TwilioMessaging}, {"sendgrid", e.SendGrid},
	} {
		_, host, _ := strings.Cut(place.endpoint, "://")
		host, _, _ = strings.Cut(host, "/")
		before, after, perProject := strings.Cut(host, "{ref}")
		if host != "" && u.Host == host || perProject && strings.HasPrefix(u.Host, before) && strings.HasSuffix(u.Host, after) {
			return place.vendor
		}
	}
	return ""
}
