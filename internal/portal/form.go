package portal

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// maxForm is the largest form that is read, in bytes.
const maxForm = 64 << 10

// webhookID is what the form's hidden field holds: minted with the form, so that sending it again is the same webhook.
var webhookID = regexp.MustCompile(`^msg_[A-Z2-7]{26}$`)

func mintID() string { return "msg_" + rand.Text() }

// signupForm is the form as it is shown.
type signupForm struct {
	ID, Domain string
	Groups     []group
	Typed      url.Values
	Problem    *problem
	// Other are faults of fields that the form doesn't show.
	Other map[string]string
	// Sent is an earlier signup that this form made, filled in otherwise.
	Sent *accepted
}

// Value is what stands in a field.
func (f signupForm) Value(of field) string {
	if f.Typed == nil {
		return of.Default
	}
	return f.Typed.Get(of.Name)
}

// Fault is what is wrong with a field, empty for nothing.
func (f signupForm) Fault(of field) string {
	if f.Problem == nil {
		return ""
	}
	return f.Problem.Fields[of.Name]
}

func (p *Portal) form(id string, typed url.Values) signupForm {
	return signupForm{ID: id, Domain: p.options.Domain, Groups: groups(), Typed: typed}
}

func (p *Portal) showForm(w http.ResponseWriter, _ *http.Request) {
	p.showSignup(w, http.StatusOK, p.form(mintID(), nil))
}

func (p *Portal) showSignup(w http.ResponseWriter, status int, f signupForm) {
	p.pages.show(w, status, "form", p.frame(nil, "Get your own Gimbal").with(f))
}

// accepted is the API's answer to a signup.
type accepted struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	// again says that it is the answer to an earlier sending, whatever was sent now.
	again bool
}

// signUp is the form's little server: it signs what was filled in as a webhook and sends it to the API. What the API refuses comes back
// in the form, with all that was typed.
func (p *Portal) signUp(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	f := p.form(r.PostForm.Get("id"), r.PostForm)
	if !webhookID.MatchString(f.ID) {
		f.ID = mintID()
	}
	body, err := payload(r.PostForm)
	if err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	// A browser whose user clicks twice drops the first request: what it began is for the second as well.
	ctx := context.WithoutCancel(r.Context())
	same := p.sent.same(f.ID, body)
	made, err, _ := p.signups.Do(f.ID+string(body), func() (any, error) { return p.deliver(ctx, f.ID, body) })
	if err != nil {
		why := refused(err)
		if why.Status >= 400 && why.Status < 500 && why.again == 0 { // it was not taken, and may be mended
			p.sent.refused(f.ID, body)
		}
		p.refuseSignup(w, r, f, why)
		return
	}
	a := made.(accepted)
	if !a.again {
		p.sent.took(f.ID, body)
	}
	if typed := strings.TrimSpace(r.PostForm.Get("slug")); a.Slug != typed || a.again && !same { // sent before, and changed since
		f.ID, f.Sent = mintID(), &a
		p.showSignup(w, http.StatusConflict, f)
		return
	}
	http.Redirect(w, r, "/welcome/"+url.PathEscape(a.ID), http.StatusSeeOther)
}

const (
	// sendings is how often a webhook is sent whose first delivery is still under way, as after a request that broke off, and
	// patience how long is waited before the next one at most, in the machine's time.
	sendings = 4
	patience = 2 * time.Second
)

// deliver sends the webhook, and the same again while the API says that its first delivery is under way.
func (p *Portal) deliver(ctx context.Context, id string, body []byte) (accepted, error) {
	for sent := 1; ; sent++ {
		a, err := p.send(ctx, id, body)
		why := refused(err)
		if err == nil || why.Status != http.StatusConflict || why.again == 0 || sent == sendings {
			return a, err
		}
		if err := clock.System().Sleep(ctx, min(why.again, patience)); err != nil {
			return a, err
		}
	}
}

// send signs and sends the webhook.
func (p *Portal) send(ctx context.Context, id string, body []byte) (accepted, error) {
	at := p.options.Clock.Now()
	signature, err := p.hook.Sign(id, at, body)
	if err != nil {
		return accepted{}, unanswered
	}
	header := http.Header{}
	header.Set(webhooks.HeaderWebhookID, id)
	header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(webhooks.HeaderWebhookSignature, signature)
	var a accepted
	answer, err := p.api.call(ctx, http.MethodPost, "/signups", header, body, &a)
	a.again = answer.Get("Idempotent-Replayed") != ""
	return a, err
}

// refuseSignup shows the form with what is wrong with it. What is no applicant's fault is logged, without what they typed.
func (p *Portal) refuseSignup(w http.ResponseWriter, r *http.Request, f signupForm, why problem) {
	status := why.Status
	switch {
	case status == http.StatusConflict && why.Fields == nil && strings.HasPrefix(why.Detail, "the slug"):
		why.Fields = map[string]string{"slug": why.Detail}
	case status == http.StatusUnprocessableEntity:
		why.Title = "Not everything is right yet"
	case status == http.StatusConflict, status == http.StatusTooManyRequests:
	default:
		p.options.Log.ErrorContext(r.Context(), "a signup was not taken", "status", status, "title", why.Title)
		status = http.StatusServiceUnavailable
		why = problem{Title: "We could not take your signup", Detail: "Nothing that you typed is lost. Try again in a few minutes."}
	}
	f.Problem, f.Other = &why, map[string]string{}
	for name, fault := range why.Fields {
		if !known(name) {
			f.Other[name] = fault
		}
	}
	p.showSignup(w, status, f)
}

func known(name string) bool {
	for _, g := range groups() {
		for _, f := range g.Fields {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}

// readForm reads a posted form; where it can't, it has answered.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form is too large, or can't be read.", http.StatusBadRequest)
		return false
	}
	return true
}

// welcome follows a signup.
func (p *Portal) welcome(w http.ResponseWriter, r *http.Request) {
	var s view.SignupStatus
	_, err := p.api.call(r.Context(), http.MethodGet, "/signups/"+url.PathEscape(r.PathValue("id")), nil, nil, &s)
	if err != nil {
		why, status := refused(err), http.StatusBadGateway
		if why.Status == http.StatusNotFound {
			status = http.StatusNotFound
			why.Detail = "There is no such signup. The address may be cut off, or the signup too old."
		}
		p.pages.show(w, status, "trouble", p.frame(nil, "Your signup").with(why))
		return
	}
	f := p.frame(nil, "Your signup").with(following{s, p.options.Domain, p.options.Visit(s.URL)})
	if !settled(s) {
		f.Refresh = moving
	}
	p.pages.show(w, http.StatusOK, "welcome", f)
}

// following is the page of a signup.
type following struct {
	view.SignupStatus
	Domain string
	// Visit is where a browser reaches the instance from here.
	Visit string
}

// stage is a part of a signup's way.
type stage struct {
	Name string
	// Mark is "done", "now" or empty.
	Mark string
}

// Stages is the way of a signup.
func (s following) Stages() []stage {
	names := []string{"Received", "Looked at", "Set up", "Live"}
	at := map[fleet.SignupStatus]int{fleet.Requested: 1, fleet.Approved: 2, fleet.Admitted: 2, fleet.Completed: 4}[s.Status]
	if s.Over() || s.Failing() {
		return nil
	}
	var all []stage
	for n, name := range names {
		mark := ""
		switch {
		case n < at:
			mark = "done"
		case n == at:
			mark = "now"
		}
		all = append(all, stage{name, mark})
	}
	return all
}

// Over reports whether nothing comes of it any more.
func (s following) Over() bool {
	return s.Status == fleet.Rejected || s.Status == fleet.Expired || s.Status == fleet.Failed
}

// Failing reports whether it is being set up no more, but isn't over yet.
func (s following) Failing() bool { return s.Status == fleet.Admitted && s.Reason != "" }

// settled reports whether nothing changes by itself any more.
func settled(s view.SignupStatus) bool {
	return following{SignupStatus: s}.Over() || s.Status == fleet.Completed
}
