package provider

import (
	"net/url"
	"strings"
)

// Vendor names the vendor at whose endpoint a URL is, empty for none's.
func (e Endpoints) Vendor(u *url.URL) string {
	for _, place := range []struct{ vendor, endpoint string }{
		{"supabase", e.Supabase}, {"supabase", e.SupabaseProject}, {"vercel", e.Vercel}, {"cloudflare", e.Cloudflare},
		{"twilio", e.Twilio}, {"sendgrid", e.SendGrid},
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
