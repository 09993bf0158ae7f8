package portal

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	token  = "sesame-0123456789"
	acme   = "df4a5ecc-37f0-5b06-b82f-426350807da2"
	// nasty is in every text that the API gives here: what a page must not let become markup, nor end an attribute.
	nasty = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// stopped is a clock that stands at now.
type stopped struct{ clock.Clock }

func (stopped) Now() time.Time { return now }

// asked is a request that came to the API.
type asked struct {
	line, body, host string
	header           http.Header
}

// rig is a portal before an API of answers.
type rig struct {
	t       *testing.T
	base    string
	handler http.Handler
	client  *http.Client
	answers map[string]reply

	mu    sync.Mutex
	asked []asked
}

type reply struct {
	status int
	body   any
	// again is a Retry-After; the next answer is that a signup was taken. Replayed says that an earlier sending had this answer.
	again    string
	replayed bool
}

// executions are those of a test.
type executions struct {
	all    []asl.Execution
	visits []asl.Visit
}

func (e executions) ListExecutions() []asl.Execution { return e.all }

func (e executions) Course(arn string) ([]asl.Visit, []asl.Event, error) {
	if !slices.ContainsFunc(e.all, func(x asl.Execution) bool { return x.ARN == arn }) {
		return nil, nil, asl.ErrExecutionDoesNotExist
	}
	return e.visits, nil, nil
}

// newRig serves a portal whose API gives the sample answers.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, answers: samples(), client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	api := httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(api.Close)
	p, err := New(Options{API: api.URL, WebhookSecret: secret, Domain: "gimbal.app", Clock: stopped{clock.System()}, Speed: 25, Executions: sampleExecutions(),
		Graphs: map[string]asl.Graph{"provision": sampleGraph()}, Visit: func(u string) string { return strings.Replace(u, "https://", "http://visit.", 1) }})
	if err != nil {
		t.Fatal(err)
	}
	r.handler = p.Handler(http.HandlerFunc(r.answer))
	front := httptest.NewServer(r.handler)
	t.Cleanup(front.Close)
	r.base = front.URL
	return r
}

// answer is the API: operators' requests need the token.
func (r *rig) answer(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	line := q.Method + " " + q.URL.RequestURI()
	r.mu.Lock()
	r.asked = append(r.asked, asked{line, string(body), q.Host, q.Header.Clone()})
	a, ok := r.answers[line]
	r.mu.Unlock()
	public := line == "POST /signups" || q.Method == "GET" && strings.HasPrefix(line, "GET /signups/")
	switch {
	case !public && q.Header.Get("Authorization") != "Bearer "+token:
		a = reply{status: 401, body: problem{Status: 401, Title: "Unauthorized", Detail: "send the operator's token"}}
	case !ok:
		a = reply{status: 404, body: problem{Status: 404, Title: "Not Found", Detail: "there is no " + line}}
	}
	if a.again != "" {
		w.Header().Set("Retry-After", a.again)
		r.set(line, 202, accepted{ID: acme, Slug: "acme-dental"})
	}
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

func (r *rig) set(line string, status int, body any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[line] = reply{status: status, body: body}
}

// posts are the API's POSTs so far.
func (r *rig) posts() (all []asked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.asked {
		if strings.HasPrefix(a.line, "POST ") {
			all = append(all, a)
		}
	}
	return all
}

// page is an answer of the portal.
type page struct {
	status int
	text   string
	header http.Header
}

func (p page) where() string { return p.header.Get("Location") }

func (r *rig) do(method, path string, form url.Values, change func(*http.Request)) page {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(q)
	}
	answer, err := r.client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		r.t.Fatal(err)
	}
	return page{answer.StatusCode, string(text), answer.Header}
}

// signedIn signs in and gives what sends its cookie along.
func (r *rig) signedIn() func(*http.Request) {
	r.t.Helper()
	p := r.do("POST", "/console/sign-in", url.Values{"token": {token}}, nil)
	if p.status != http.StatusSeeOther || p.where() != "/console" {
		r.t.Fatalf("%d to %q: %s", p.status, p.where(), p.text)
	}
	return withCookie(p)
}

func withCookie(p page) func(*http.Request) {
	set, err := http.ParseSetCookie(p.header.Get("Set-Cookie"))
	return func(q *http.Request) {
		if err == nil {
			q.AddCookie(set)
		}
	}
}

// hidden is the value of a page's first hidden field of that name.
func hidden(p page, name string) string {
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(p.text)
	if found == nil {
		return ""
	}
	return found[1]
}

func sampleGraph() asl.Graph {
	task := func(name, next string) asl.State {
		return asl.State{Name: name, Type: asl.Task, Next: next, Targets: slices.DeleteFunc([]string{next}, func(to string) bool { return to == "" })}
	}
	return asl.Graph{StartAt: "Reserve", States: []asl.State{task("Reserve", "Both"),
		{Name: "Both", Type: asl.Parallel, Next: "Last", Targets: []string{"Last"}, Branches: []asl.Graph{
			{StartAt: "Left", States: []asl.State{task("Left", "")}}, {StartAt: "Right", States: []asl.State{task("Right", "")}}}},
		task("Last", ""), task("Aside", "")}}
}

func sampleExecutions() executions {
	at := func(s int) time.Time { return now.Add(time.Duration(s-100) * time.Second) }
	return executions{
		all: []asl.Execution{
			{ARN: "old", Machine: "provision", Name: "op-0-provision-1", Status: asl.Failed, Started: at(0), Stopped: at(3), Error: nasty, Cause: nasty},
			{ARN: "new", Machine: "provision", Name: "op-1-provision-1", Status: asl.Running, Started: at(10), Transitions: 9,
				Input: json.RawMessage(`{"instanceId":"` + acme + `"}`)}},
		visits: []asl.Visit{
			{State: "Reserve", Type: asl.Task, Entered: at(10), Left: at(12), Attempts: 1, Outcome: asl.VisitExited},
			{State: "Left", Type: asl.Task, Entered: at(12), Attempts: 2, Errors: []string{"NotReady", nasty}, RetryAt: at(105)},
			{State: "Right", Type: asl.Task, Entered: at(12), Left: at(40), Attempts: 1, Errors: []string{"Rejected"}, Outcome: asl.VisitFailed},
			{State: "Aside", Type: asl.Task, Entered: at(40), Attempts: 1}},
	}
}

// samples are the API's answers, with nasty in every text of theirs.
func samples() map[string]reply {
	progress := fleet.Progress{Reason: nasty, NextAction: nasty, Deadline: now.Add(-time.Minute)}
	row := view.Row{ID: acme, Slug: nasty, Plan: nasty, Region: nasty, Signup: fleet.Completed, State: fleet.Active, Progress: progress, Since: now, Incidents: 1}
	stuck := row
	stuck.State, stuck.Signup = fleet.Provisioning, fleet.Admitted
	incident := fleet.Incident{ID: nasty, InstanceID: acme, Code: nasty, Reason: nasty, NextAction: nasty, OpenedAt: now, AckedBy: ""}
	acked := incident
	acked.AckedBy, acked.AckedAt, acked.InstanceID = nasty, now, nasty
	frozen := []fleet.Freeze{{Scope: "twilio", Reason: nasty, By: nasty, Since: now}}
	waiting := view.SignupRow{ID: acme, Slug: nasty, Plan: nasty, Tier: nasty, Vertical: nasty, Region: nasty, Timezone: nasty, Locale: nasty, Status: fleet.Requested, Reason: nasty,
		NextAction: nasty, RequestedAt: now, DecidedAt: now, DecidedBy: nasty, Applicant: &fleet.Applicant{Company: nasty, AdminName: nasty, AdminEmail: nasty, Phone: nasty}}
	ending := row
	ending.State, ending.Stage, ending.Ends, ending.Held, ending.Progress = fleet.Suspended, fleet.InGrace, now.Add(time.Hour), true, fleet.Progress{}
	proved := &fleet.VerifiedExport{ID: nasty, Folder: nasty, Manifest: nasty, VerifiedAt: now}
	hidden := waiting
	hidden.Applicant = nil
	signups := view.Signups{Signups: []view.SignupRow{waiting, hidden}, Total: 7}
	one := view.Instance{Row: row, Host: nasty, Epoch: 3, Frozen: frozen, Hold: &fleet.Hold{By: nasty, Why: nasty, Since: now},
		Suspension: &fleet.Suspension{Reason: nasty, Note: nasty, By: nasty, Since: now},
		Decommission: &fleet.Decommission{N: 1, Stage: nasty, Reason: nasty, By: nasty, Before: fleet.Active, NoticeAt: now, NoticeEnds: now, GraceEnds: now, FirstExport: proved, FinalExport: proved,
			Second: nasty, Archived: &fleet.Archived{Key: nasty, SHA256: nasty, At: now}, Certificate: &fleet.Certificate{Key: nasty, Page: nasty, SHA256: nasty, At: now}, KeyDestroyedAt: now},
		Signed:    view.Signup{Timezone: nasty, Locale: nasty, RequestedAt: now, DecidedAt: now, DecidedBy: nasty, Reason: nasty},
		Resources: []fleet.Resource{{Kind: nasty, Name: nasty, ID: nasty, Status: nasty, Unknown: true, RecheckAt: now}},
		Operations: []fleet.Operation{{ID: nasty, Kind: nasty, Phase: nasty, Failure: nasty, FailureText: nasty, Message: nasty, StartedAt: now, Progress: progress},
			{ID: nasty, Outcome: nasty}},
		Messages: []fleet.Message{{ID: nasty, Recipient: nasty, Channel: nasty, Status: fleet.MessageUnknown}},
		History:  []fleet.Incident{incident, acked},
		Audit:    []fleet.AuditEntry{{Seq: 1, Actor: nasty, Action: nasty, Subject: nasty, Outcome: nasty}}, AuditFault: nasty}
	return map[string]reply{
		"GET /instances":              {status: 200, body: view.Fleet{Instances: []view.Row{row, stuck}, Frozen: frozen}},
		"GET /instances?":             {status: 200, body: view.Fleet{Instances: []view.Row{row, stuck}, Frozen: frozen}},
		"GET /instances?state=ACTIVE": {status: 200, body: view.Fleet{Instances: []view.Row{row}}},
		"GET /instances/" + acme:      {status: 200, body: one},
		"GET /instances?stage=grace":  {status: 200, body: view.Fleet{Instances: []view.Row{ending}}},
		"GET /instances/" + acme + "/decommission": {status: 200, body: fleet.Plan{InstanceID: acme, Stage: nasty, Steps: []fleet.PlannedStep{{At: now, What: nasty, Final: true}},
			Resources: []fleet.PlannedRemoval{{Kind: nasty, Name: nasty, ID: nasty, Vendor: nasty, With: nasty, At: now, Final: true}, {Kind: nasty, Name: nasty}},
			Kept:      []fleet.Retained{{What: nasty, Until: now}}, Obstacles: []string{nasty}}},
		"GET /instances/" + acme + "/exports": {status: 200, body: view.Exports{Exports: []fleet.Export{{ID: nasty, Purpose: nasty, Status: nasty, Bytes: 1, Progress: &fleet.ExportProgress{Step: nasty}, Manifest: nasty, Failure: nasty, LeftOut: 1}}}},
		"GET /incidents":                      {status: 200, body: view.Incidents{Incidents: []fleet.Incident{incident, acked}}},
		"GET /signups":                        {status: 200, body: signups},
		"GET /signups?status=REQUESTED":       {status: 200, body: signups},
		"GET /signups/" + acme: {status: 200, body: view.SignupStatus{ID: acme, Slug: nasty, Status: fleet.Approved, Reason: nasty, NextAction: nasty, Place: 3,
			Deadline: now.Add(time.Minute)}},
	}
}
