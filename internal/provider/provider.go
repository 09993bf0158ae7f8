// Package provider holds what the five vendor clients share: where the vendors are, how Fleet's credentials are found,
// the transport that refuses to change anything outside an attempt, and the translation of answers into faults.
package provider

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// Endpoints is the one value that differs between production and everything else: where the vendors are.
// URLs have no trailing slash. "{ref}" stands for a Supabase project's reference.
type Endpoints struct {
	Supabase        string // https://api.supabase.com
	SupabaseProject string // https://{ref}.supabase.co
	// SupabaseDatabase is a database's connection string without its password. "{host}" and "{user}" stand for what the project's
	// pooler is reached by, which only the vendor knows; the port is that of session mode. Its sslmode is verify-full, or disable
	// on loopback.
	SupabaseDatabase string
	Vercel           string // https://api.vercel.com
	Cloudflare       string // https://api.cloudflare.com/client/v4
	Twilio           string // https://api.twilio.com
	TwilioMessaging  string // https://messaging.twilio.com
	SendGrid         string // https://api.sendgrid.com
	// Edge is how instances' public host names are reached.
	Edge Edge
}

// Edge is the public network as Fleet sees it. The zero value is the real one. Tests and the local runner dial
// elsewhere; the host name in TLS and HTTP stays the public one.
type Edge struct {
	// Dial connects to a public "host:port".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Outside connects to a "host:port" that anybody may have named. Before it connects to an address that the name resolves
	// to it asks control, with "tcp4" or "tcp6" and "address:port", as a net.Dialer asks its own; nil means that one.
	Outside func(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error)
	// Roots verifies certificates; nil means the system's.
	Roots *x509.CertPool
}

// Production is where the vendors really are.
func Production() Endpoints {
	return Endpoints{
		Supabase:         "https://api.supabase.com",
		SupabaseProject:  "https://{ref}.supabase.co",
		SupabaseDatabase: "postgres://{user}@{host}:5432/postgres?sslmode=verify-full",
		Vercel:           "https://api.vercel.com",
		Cloudflare:       "https://api.cloudflare.com/client/v4",
		Twilio:           "https://api.twilio.com",
		TwilioMessaging:  "https://messaging.twilio.com",
		SendGrid:         "https://api.sendgrid.com",
	}
}

// ForProject replaces "{ref}" in an endpoint's template.
func ForProject(template, ref string) string { return strings.ReplaceAll(template, "{ref}", ref) }

// ForDatabase replaces "{ref}", "{host}" and "{user}" in the template of a database's connection string.
func ForDatabase(template, ref, host, user string) string {
	return strings.NewReplacer("{ref}", ref, "{host}", host, "{user}", user).Replace(template)
}

// Config is what every client is made of.
type Config struct {
	Endpoints Endpoints
	Clock     clock.Clock
	// Transport sends requests. Clients wrap it in Guard; they never use http.DefaultTransport.
	Transport http.RoundTripper
	// Credential gives one of Fleet's own vendor credentials by name, such as "supabase-token".
	Credential func(ctx context.Context, name string) (Secret, error)
	// Anew reads a credential again, as Credentials.Reread does; nil where it can't be. Callers use Reread.
	Anew func(ctx context.Context, name string, used Secret) (Secret, bool)
	// Organisation-wide names at the vendors.
	Settings Settings
}

// Settings are Fleet's fixed identifiers at the vendors. None is a secret.
type Settings struct {
	SupabaseOrganization string   // organisation slug
	VercelTeam           string   // team_…
	CloudflareZone       string   // zone id
	Domain               string   // the zone's name, gimbal.app
	SuspendedHost        string   // where suspended instances' hosts lead: a host name of ours that shows their page
	TwilioAccount        string   // the parent's AC…
	SendGridIPs          []string // IPv4 addresses already on the account
	MailFrom             string   // sender of Fleet's own messages
	OperatorMail         string   // where word to the operators goes
}

// Names of Fleet's own vendor credentials.
const (
	SupabaseToken   = "supabase-token"
	VercelToken     = "vercel-token"
	CloudflareToken = "cloudflare-token"
	TwilioToken     = "twilio-token"
	SendGridKey     = "sendgrid-key"
)

type permitKey struct{}

// permit is why a request that is no GET may be sent.
type permit int

const (
	attempt permit = iota + 1
	readOnly
)

// WithAttempt marks ctx as belonging to an open attempt: requests that change something may be sent.
// Only internal/step calls it.
func WithAttempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, permitKey{}, attempt)
}

// ReadOnly marks ctx for a request that reads although its method is not GET, such as SendGrid's domain validation.
func ReadOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, permitKey{}, readOnly)
}

// ErrNoAttempt is returned for a request that would change something outside an attempt.
var ErrNoAttempt = errors.New("a request that is not a read needs an open attempt")

// Guard refuses, with ErrNoAttempt, whatever isn't GET or HEAD unless the request's context carries an attempt or is
// marked read-only. It also bounds each call by bounds.Call on the given clock, answer body included, and refuses to
// send a change when the context leaves less time than that.
func Guard(c clock.Clock, next http.RoundTripper) http.RoundTripper { return &guard{c, next} }

type guard struct {
	clock clock.Clock
	next  http.RoundTripper
}

// Writes reports whether a request changes something: it is no GET or HEAD, and isn't marked ReadOnly.
func Writes(req *http.Request) bool {
	return req.Method != http.MethodGet && req.Method != http.MethodHead && req.Context().Value(permitKey{}) != readOnly
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		why, _ := ctx.Value(permitKey{}).(permit)
		if why == 0 {
			return nil, unsent(req, ErrNoAttempt)
		}
		if at, ok := clock.Deadline(ctx); ok && why == attempt && at.Sub(g.clock.Now()) < bounds.Call {
			return nil, unsent(req, ErrTooLate)
		}
	}
	ctx, cancel := g.clock.WithTimeout(ctx, bounds.Call)
	answer, err := g.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	answer.Body = &cancelling{answer.Body, cancel}
	return answer, nil
}

// unsent closes the body of a request that is not sent, as a RoundTripper has to.
func unsent(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close() // it was never read
	}
	return err
}

// ErrTooLate is returned for a change that could outlive its invocation: too little time is left to send it.
var ErrTooLate = errors.New("too little time is left in this invocation to send a change")

// Failed translates a transport error of a call into a fault: a refused connection, and what Guard kept back, prove
// that nothing happened; anything else is unknown.
func Failed(vendor, operation string, err error) error {
	f := &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation, Text: "no answer", Err: err}
	kept, isFault := errors.AsType[*fault.Error](err)
	switch {
	case isFault && kept.NothingHappened: // it was kept back on the way
		f.Code, f.Text, f.NothingHappened, f.RetryAfter = kept.Code, kept.Text, true, kept.RetryAfter
	case errors.Is(err, ErrTooLate):
		f.Code, f.Text, f.NothingHappened = fault.NotReady, "not sent: too little time left in this invocation", true
	case errors.Is(err, ErrNoAttempt):
		f.Code, f.Text, f.NothingHappened = fault.Internal, "not sent: no open attempt", true
	case errors.Is(err, ErrCredentialChanged):
		f.Text, f.NothingHappened = "refused with a credential that has been changed since: the next try uses the new one", true
	case errors.Is(err, ErrCredentialRefused):
		f.Text, f.NothingHappened = NotAccepted, true
	case errors.Is(err, ErrCredentialUnsure):
		f.Text, f.NothingHappened = "refused, and whether the credential has been changed can't be told just now", true
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Text, f.NothingHappened = "connection refused", true
	}
	return f
}

// NotAccepted is the text of a refusal that is about the credential alone.
const NotAccepted = "refused: the credential is not accepted"

// Answered translates a vendor's answer with a failing status into a fault. vendorCode is the vendor's own code, never
// its free text. 429 is Throttled; 408 and 5xx are Unavailable and prove nothing; other statuses are Rejected and
// prove that nothing happened.
func Answered(vendor, operation string, status int, vendorCode string, retryAfter time.Duration) *fault.Error {
	f := &fault.Error{Vendor: vendor, Operation: operation, Status: status, VendorCode: vendorCode, RetryAfter: retryAfter}
	switch {
	case status == http.StatusTooManyRequests:
		f.Code, f.Text, f.NothingHappened = fault.Throttled, "rate limit reached", true
	case status == http.StatusRequestTimeout, status >= 500, status < 400:
		f.Code, f.Text = fault.Unavailable, "no usable answer"
	default:
		f.Code, f.Text, f.NothingHappened = fault.Rejected, "refused", true
		if status == http.StatusUnauthorized {
			f.Text = NotAccepted
		}
	}
	return f
}

var codeShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]+[0-9]?([_.-][A-Za-z]+[0-9]?)*$`) })

// Code gives a vendor's error code back if it is one of at most 64 letters' words, and else nothing: no free text passes for one, and
// no token or key, which have digits all over.
func Code(text string) string {
	if len(text) <= 64 && codeShape().MatchString(text) {
		return text
	}
	return ""
}

// Strange makes of a vendor's 404 the answer of something on the way, such as a proxy's page, which proves nothing. It keeps no
// status, so that nobody takes it for the vendor's word that there is no such resource.
func Strange(f *fault.Error) {
	f.Code, f.Text, f.Status, f.NothingHappened = fault.Unavailable, "refused without the vendor's error document", 0, false
}

// NotFound reports whether err is a vendor's 404.
func NotFound(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Status == http.StatusNotFound
}
