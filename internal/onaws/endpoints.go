package onaws

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
)

// overrides is what FLEET_ENDPOINTS may hold.
type overrides struct {
	Supabase         string `json:"supabase"`
	SupabaseProject  string `json:"supabase_project"`
	SupabaseDatabase string `json:"supabase_database"`
	Vercel           string `json:"vercel"`
	Cloudflare       string `json:"cloudflare"`
	Twilio           string `json:"twilio"`
	TwilioMessaging  string `json:"twilio_messaging"`
	SendGrid         string `json:"sendgrid"`
	EdgeAddress      string `json:"edge_address"`
	EdgeRoots        string `json:"edge_roots"`
}

// endpoints are the vendors' real ones, or those put in their place. In production there is nothing to put in: whoever can
// set a variable there must not be able to send Fleet's credentials elsewhere.
func (r *reader) endpoints(stage string) provider.Endpoints {
	const variable = "FLEET_ENDPOINTS"
	e := provider.Production()
	text := r.lookup(variable)
	if text == "" {
		return e
	}
	if stage == production {
		r.refuse(variable, "unset in production, where the vendors' own endpoints are the only ones")
		return e
	}
	var o overrides
	if err := decode(text, &o); err != nil {
		r.refuse(variable, "a JSON object of supabase, supabase_project, supabase_database, vercel, cloudflare, twilio, twilio_messaging, sendgrid, edge_address and edge_roots")
		return e
	}
	for _, place := range []struct {
		name, text string
		into       *string
	}{
		{"supabase", o.Supabase, &e.Supabase}, {"supabase_project", o.SupabaseProject, &e.SupabaseProject},
		{"supabase_database", o.SupabaseDatabase, &e.SupabaseDatabase}, {"vercel", o.Vercel, &e.Vercel},
		{"cloudflare", o.Cloudflare, &e.Cloudflare}, {"twilio", o.Twilio, &e.Twilio},
		{"twilio_messaging", o.TwilioMessaging, &e.TwilioMessaging}, {"sendgrid", o.SendGrid, &e.SendGrid},
	} {
		if place.text == "" {
			continue
		}
		example := provider.ForProject(place.text, "ref")
		if place.into == &e.SupabaseDatabase {
			example = provider.ForDatabase(place.text, "ref", "host", "user")
		}
		u, err := url.Parse(example)
		if err != nil || u.Scheme == "" || u.Host == "" || strings.HasSuffix(place.text, "/") {
			r.refuse(variable, "a JSON object whose "+place.name+" is a URL without a trailing slash")
			continue
		}
		*place.into = place.text
	}
	e.Edge = r.edge(variable, o)
	return e
}

func (r *reader) edge(variable string, o overrides) provider.Edge {
	var e provider.Edge
	if o.EdgeAddress != "" {
		if _, _, err := net.SplitHostPort(o.EdgeAddress); err != nil {
			r.refuse(variable, `a JSON object whose edge_address is "host:port"`)
		}
		e.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, o.EdgeAddress)
		}
	}
	if o.EdgeRoots != "" {
		e.Roots = x509.NewCertPool()
		if text, err := os.ReadFile(o.EdgeRoots); err != nil || !e.Roots.AppendCertsFromPEM(text) {
			r.refuse(variable, "a JSON object whose edge_roots is the path of a PEM file of certificates")
		}
	}
	return e
}
