package world_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/leak"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// What lets something out.
const (
	logged       = "log"
	histories    = "executions' histories"
	items        = "table"
	wrappedKeys  = "table of keys"
	audits       = "audit"
	operatorMail = "mail to operators"
	published    = "incidents published"
	answers      = "API"
	downloads    = "page of a download"
	applicants   = "API's list of signups and the decision page" // who decides sees whom it is about
)

// applicant is the personal data of the sample signup.
var applicant = []string{"Ada Byron", "ada@acme-dental.example", "+12125550123", "Acme Dental"}

// secrets seeks what must not be let out of one world.
type secrets struct {
	*rig
	search leak.Search
	vault  *seal.Vault

	// What lets something out on purpose.
	credential string
	log        *slog.Logger
	keys       table.Table
	publish    func(ctx context.Context, subject, text string) error
}

// listen seeks Fleet's credentials, the applicant's data and what secrets pass, in all that the world lets out as it runs.
func (s *secrets) listen(o *world.Options) {
	s.vault = seal.New(o.Keys, o.KeyEncryptionKey)
	for name, value := range o.Credentials {
		s.search.Plant(strings.TrimPrefix(value, "whsec_"), name)
	}
	signing, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	if err == nil {
		s.search.Plant(string(signing), "the webhook's signing key")
	}
	for _, datum := range applicant[:3] {
		s.search.Plant(datum, "the applicant", applicants, leak.AdminMail)
	}
	s.search.Plant(applicant[3], "the applicant's company", applicants, leak.AdminMail, operatorMail)
	o.Log = slog.New(slog.NewJSONHandler(s.search.Emitter(logged), &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Publish = func(_ context.Context, subject, text string) error {
		s.search.Emit(published, []byte(subject+"\n"+text))
		return nil
	}
	s.credential, s.log, s.keys, s.publish = o.Credentials[provider.SupabaseToken], o.Log, s.search.Table(wrappedKeys, o.Keys), o.Publish
	inner := o.Hooks.Transport
	o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
		if inner != nil {
			next = inner(next)
		}
		return s.search.Overhear(next)
	}
	o.Hooks.Table = func(_ string, t table.Table) table.Table { return s.search.Table(items, t) }
	o.Hooks.Keys = func(_ string, t table.Table) table.Table { return s.search.Table(wrappedKeys, t) }
	open := o.OpenDatabase
	o.OpenDatabase = func(ctx context.Context, url provider.Secret) (schema.Database, error) {
		s.search.Plant(url.Reveal(), "the database's connection string")
		return open(ctx, url)
	}
}

// gather takes in what the world holds at its end, and all that its API tells.
func (s *secrets) gather(id string) {
	s.t.Helper()
	history, err := s.w.Executions.Save()
	if err != nil {
		s.t.Fatal(err)
	}
	s.search.Emit(histories, history)
	for _, x := range s.w.Executions.ListExecutions() {
		events, err := s.w.Executions.GetExecutionHistory(x.ARN)
		s.emit(histories, events, err)
		visits, err := s.w.Executions.Visits(x.ARN)
		s.emit(histories, visits, err)
	}
	for _, chain := range []string{id, fleet.FleetID} {
		entries, _, err := s.w.Store.Audit(s.ctx, chain)
		s.emit(audits, entries, err)
	}
	for _, m := range s.w.Vendors.SendGrid.Sent() {
		if m.To == world.Settings().OperatorMail {
			s.emit(operatorMail, m, nil)
		} else {
			s.emit(leak.AdminMail, m, nil)
		}
	}
	for _, f := range catalog.Functions() {
		if method, path, _ := strings.Cut(f.Route, " "); method == http.MethodGet && !strings.Contains(path, "{token}") {
			s.ask(method, strings.ReplaceAll(path, "{id}", id), "")
		}
	}
}

func (s *secrets) emit(emitter string, document any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		s.t.Fatal(err)
	}
	s.search.Emit(emitter, text)
}

// ask takes in what a route answers an operator.
func (s *secrets) ask(method, path, body string) {
	s.t.Helper()
	q := httptest.NewRequestWithContext(s.ctx, method, path, strings.NewReader(body))
	q.Header = operator
	out := httptest.NewRecorder()
	s.w.Front().ServeHTTP(out, q)
	if out.Code >= http.StatusInternalServerError {
		s.t.Errorf("%s %s answered %d", method, path, out.Code)
	}
	emitter := answers
	if path == "/signups" {
		emitter = applicants
	}
	s.search.Emit(emitter, out.Body.Bytes())
}

// provision signs up, has an operator open the link and approve by it, and waits until nothing moves any more.
func (s *secrets) provision() string {
	s.t.Helper()
	id := s.signup("msg_1", "acme-dental")
	link := s.link(id)
	s.search.Plant(strings.TrimPrefix(link, "/decisions/"), "the link to decide", operatorMail)
	_, body := s.page(http.MethodGet, link, nil)
	s.search.Emit(applicants, []byte(body))
	_, body = s.page(http.MethodPost, link, approval)
	s.search.Emit(applicants, []byte(body))
	s.settle()
	s.invoke("deliver")
	s.invoke("page")
	s.settle()
	return id
}

// wantNone judges that nothing secret was shown, and that there was enough to seek and enough to seek it in.
func (s *secrets) wantNone() {
	s.t.Helper()
	if n := len(s.search.Planted()); n < 16 {
		s.t.Errorf("only %d secrets were sought", n)
	}
	sizes := s.search.Emitted()
	for _, emitter := range []string{logged, histories, items, wrappedKeys, audits, operatorMail, answers, applicants} {
		if sizes[emitter] < 200 {
			s.t.Errorf("%s let out %d bytes only", emitter, sizes[emitter])
		}
	}
	for _, found := range s.search.Found() {
		s.t.Error(found)
	}
}

// inSecret runs a test on a world whose secrets are sought.
func inSecret(t *testing.T, change func(*world.Options), test func(s *secrets)) {
	t.Helper()
	s := &secrets{}
	inBubble(t, func(o *world.Options) {
		if change != nil {
			change(o)
		}
		s.listen(o)
	}, func(r *rig) {
		s.rig = r
		test(s)
	})
}

// TestSecretsStayWhereTheyBelong searches the logs, the executions' histories, the tables, the audit, mails and incidents and the API's
// answers, of a clean run and of failing ones, for Fleet's credentials, for each secret that a vendor was told or told itself, and for
// personal data.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "supabase.CreateProject=lost,sendgrid.CreateKey=500-after", "twilio.CreateKey=403@1+", "sendgrid.SendMail=500-after@2", "supabase.GenerateLink=403@1+"} {
		t.Run(script, func(t *testing.T) {
			inSecret(t, faults(t, script), func(s *secrets) {
				id := s.provision()
				if state := s.instance(id).State; state == fleet.Provisioning {
					t.Errorf("the run did not end: %s", state)
				}
				s.gather(id)
				s.wantNone()
				if script == "" {
					s.wantSealed(id)
				}
			})
		})
	}
}

// TestDownloadsSecretsStayWhereTheyBelong plants the link to a download, the codes and the links to the files: the mails to the administrator
// bring the first two, the page that the code opens shows the last, and nothing else shows any of them.
func TestDownloadsSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "sendgrid.SendMail=500-after@6"} {
		t.Run(script, func(t *testing.T) {
			inSecret(t, faults(t, script), func(s *secrets) {
				id := s.provision()
				e := exporting{rig: s.rig, id: id}
				export, path := e.exported()
				s.search.Plant(strings.TrimPrefix(path, "/downloads/"), "the link to a download", leak.AdminMail)
				_, page := s.page(http.MethodGet, path, nil)
				s.search.Emit(answers, []byte(page))
				for range 2 {
					_, page = s.page(http.MethodPost, path, asks)
					s.search.Emit(answers, []byte(page))
					s.settle()
					time.Sleep(fleet.CodePause)
				}
				code := e.latestCode(export)
				s.search.Plant(code, "a code", leak.AdminMail)
				_, page = s.page(http.MethodPost, path, opens(other(code)))
				s.search.Emit(answers, []byte(page))
				status, page := s.page(http.MethodPost, path, opens(code))
				s.search.Emit(downloads, []byte(page))
				links := hrefPattern.FindAllStringSubmatch(page, -1)
				for _, link := range links {
					s.search.Plant(html.UnescapeString(link[1]), "a link to a file", downloads)
				}
				s.invoke("page")
				s.gather(id)
				s.wantNone()
				if status != http.StatusOK || len(links) < 4 {
					t.Errorf("%d with %d links: %s", status, len(links), page)
				}
			})
		})
	}
}

// wantSealed judges that the secrets are where they belong: sealed in the store, so that they open to what passed on the wire; with the
// vendors; and in the mails that carry links.
func (s *secrets) wantSealed(id string) {
	s.t.Helper()
	var held []byte
	for _, v := range s.w.Vendors.All() {
		state, err := v.(interface{ Save() ([]byte, error) }).Save()
		if err != nil {
			s.t.Fatal(err)
		}
		held = append(held, state...)
	}
	for name, atVendor := range map[string]bool{fleet.DatabasePassword: false, fleet.AnonymousKey: true, fleet.ServiceKey: true, fleet.ConfigKey: true,
		fleet.SubuserPassword: false, fleet.MailKey: true, fleet.SMSToken: true, fleet.SMSKeySecret: true} {
		sealed, err := s.w.Store.Secret(s.ctx, id, name)
		if err != nil {
			s.t.Fatal(err)
		}
		plain, err := s.vault.Open(s.ctx, id, "secret/"+name, sealed)
		if err != nil || s.search.From(string(plain)) == "" {
			s.t.Errorf("the sealed %s does not open to what passed on the wire: %v", name, err)
		}
		if atVendor && !bytes.Contains(held, plain) {
			s.t.Errorf("no vendor holds %s", name)
		}
	}
	signup, err := s.w.Store.Signup(s.ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	plain, err := s.vault.Open(s.ctx, id, "applicant", signup.Applicant)
	for _, datum := range applicant {
		if err != nil || !bytes.Contains(plain, []byte(datum)) {
			s.t.Errorf("the sealed applicant lacks %q: %v", datum, err)
		}
	}
	invitation, asked := s.mailed(id, fleet.Invitation), s.mailed(id, fleet.DecisionWanted)
	if len(invitation) != 1 || len(asked) != 1 || !s.carriesLink(invitation[0].Text, leak.AdminMail) || !s.carriesLink(asked[0].Text, "the link to decide") {
		s.t.Errorf("the mails carry no links: %+v, %+v", invitation, asked)
	}
}

// carriesLink reports whether a text holds a planted value: the link to decide, or one that a vendor made.
func (s *secrets) carriesLink(text, from string) bool {
	return slices.ContainsFunc(s.search.Planted(), func(value string) bool {
		known := s.search.From(value)
		return strings.Contains(text, value) && (known == from || from == leak.AdminMail && strings.Contains(known, "action_link"))
	})
}

// everything is what a vendor was told: its credential, the applicant's data, the whole request.
func everything(q *http.Request) (string, error) {
	body, err := io.ReadAll(q.Body)
	return fmt.Sprintf("refused for %q: %v %s", applicant, q.Header, body), err
}

// meddling lets something happen in place of a vendor's changing calls.
func meddling(vendor string, instead func(q *http.Request, told string) (*http.Response, error)) func(*world.Options) {
	return func(o *world.Options) {
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return transport(func(q *http.Request) (*http.Response, error) {
				if q.Method == http.MethodGet || !strings.Contains(q.URL.Host, vendor) || strings.Contains(q.URL.Path, "/mail/") {
					return next.RoundTrip(q)
				}
				told, err := everything(q)
				if err != nil {
					return nil, err
				}
				return instead(q, told)
			})
		}
	}
}

// echo is a refusal in whose every text, in every vendor's form, stands what the vendor was told.
func echo(q *http.Request, told string) (*http.Response, error) {
	text, err := json.Marshal(map[string]any{"message": told, "msg": told, "detail": told, "error_description": told, "success": false, "code": 20001,
		"error": map[string]any{"code": told, "message": told}, "errors": []any{map[string]any{"code": 1000, "message": told, "field": told}}})
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {told}},
		Body: io.NopCloser(bytes.NewReader(text)), Request: q}, err
}

// TestVendorsEchoesAndPanicsAreNotRepeated: a vendor's refusal may quote the credential, the request and the applicant's data, and a
// panic's value may hold anything. None of it goes further.
func TestVendorsEchoesAndPanicsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, vendor := range fleet.Vendors() {
		for name, instead := range map[string]func(*http.Request, string) (*http.Response, error){
			"echo":  echo,
			"panic": func(_ *http.Request, told string) (*http.Response, error) { panic(told) },
		} {
			t.Run(vendor+"/"+name, func(t *testing.T) {
				inSecret(t, meddling(vendor, instead), func(s *secrets) {
					id := s.provision()
					s.gather(id)
					s.wantNone()
					failed := false
					for _, x := range s.w.Executions.ListExecutions() {
						visits, err := s.w.Executions.Visits(x.ARN)
						failed = failed || err == nil && slices.ContainsFunc(visits, func(v asl.Visit) bool { return len(v.Errors) > 0 })
					}
					if !failed {
						t.Error("no step failed")
					}
				})
			})
		}
	}
}
