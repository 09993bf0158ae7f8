// Package portal is what people see of Fleet in a browser: the signup form with a page that follows a signup, for customers, and the
// console, for operators. It is a client of Fleet's own HTTP API, which alone decides; it holds no operator's power of its own, but
// acts with the token of who has signed in. Executions come from whoever runs them.
package portal

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/sync/singleflight"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
)

//go:embed assets
var assets embed.FS

// Executions tells of the workflows' executions. *asl.Service is one.
type Executions interface {
	// ListExecutions gives all, in the order of their start.
	ListExecutions() []asl.Execution
	// Course gives the path of an execution and its events so far, as of one instant; its error is that there is none of that ARN.
	Course(arn string) ([]asl.Visit, []asl.Event, error)
}

// Options configure a Portal. All but Feed, Source, Visit and Log are required.
type Options struct {
	// API is the base URL of Fleet's HTTP API.
	API string
	// WebhookSecret signs what the form sends: whsec_ and base64.
	WebhookSecret string
	// Domain is the one under which instances are: gimbal.app.
	Domain string
	// Clock is the fleet's time, Speed how many times as fast as the machine's it runs.
	Clock clock.Clock
	Speed float64
	// Executions are the workflows', Graphs the workflows themselves, by name.
	Executions Executions
	Graphs     map[string]asl.Graph
	// Feed tells of changes of executions, and of the calls that they make; without one, pages look by themselves.
	Feed *Feed
	// Source finds the step of a function; nil finds none.
	Source func(function string) (Source, bool)
	// Visit gives the address under which a browser reaches an instance's URL from here; nil where that is the URL itself.
	Visit func(url string) string
	Log   *slog.Logger
}

// Portal serves the pages.
type Portal struct {
	options  Options
	api      api
	hook     *webhooks.Webhook
	pages    pages
	sessions sessions
	signups  singleflight.Group // by webhook's id and body: a double click is one signup
	sent     firsts
	diagrams map[string]diagram // of the workflows, by name
	streams  chan struct{}      // one for each that is open
}

// New makes a Portal.
func New(o Options) (*Portal, error) {
	if o.API == "" || o.Domain == "" || o.Clock == nil || o.Executions == nil || !(o.Speed > 0) {
		return nil, errors.New("portal: an option is missing")
	}
	if o.Visit == nil {
		o.Visit = func(url string) string { return url }
	}
	if o.Feed == nil {
		o.Feed = NewFeed()
	}
	if o.Source == nil {
		o.Source = func(string) (Source, bool) { return Source{}, false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	hook, err := webhooks.NewWebhook(o.WebhookSecret)
	if err != nil {
		return nil, errors.New("portal: the webhook's secret is none of Standard Webhooks") // its error may quote the secret
	}
	p := &Portal{options: o, api: api{base: o.API}, hook: hook, sessions: newSessions(clock.System()),
		diagrams: map[string]diagram{}, streams: make(chan struct{}, streamsAtOnce)}
	for name, g := range o.Graphs {
		p.diagrams[name] = lay(g)
	}
	p.pages, err = parsePages(p)
	return p, err
}

// Handler serves the pages, and leaves every other request to rest.
func (p *Portal) Handler(rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", rest)
	page := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, guarded(h)) }
	page("GET /{$}", p.showForm)
	page("POST /{$}", p.signUp)
	page("GET /welcome/{id}", p.welcome)
	page("GET /assets/{file}", serveAsset)
	page("GET /console/sign-in", p.showSignIn)
	page("POST /console/sign-in", p.signIn)
	page("POST /console/sign-out", p.signOut)
	for pattern, h := range map[string]operatorPage{
		"GET /console":                                  p.overview,
		"GET /console/signups":                          p.signupList,
		"GET /console/instances":                        p.instanceList,
		"GET /console/instances/{id}":                   p.instance,
		"GET /console/instances/{id}/certificate.html":  p.certificate(false),
		"GET /console/instances/{id}/certificate.json":  p.certificate(true),
		"GET /console/executions":                       p.executionList,
		"GET /console/executions/{machine}/{id}":        p.execution,
		"GET /console/executions/{machine}/{id}/events": p.stream,
		"GET /console/source/{function}":                p.source,
		"GET /console/incidents":                        p.incidentList,
		"GET /console/":                                 p.nothingHere,
	} {
		page(pattern, p.signedIn(h))
	}
	for pattern, a := range actions() {
		page("POST /console/"+pattern, p.signedIn(p.acting(a)))
	}
	return mux
}

// serveAsset gives the style, the script, the icon.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache") // they change with the program
	http.ServeFileFS(w, r, assets, "assets/"+r.PathValue("file"))
}
