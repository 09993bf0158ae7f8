package world_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// shown is everything that a run lets out of itself, and secrets what it must not.
type shown struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets map[string]string // by value: where it comes from
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shown) keep(value, from string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[value] = from
}

var inJSON = regexp.MustCompile(`"(api_key|auth_token|secret|db_pass|password|smtp_pass|action_link)" ?: ?"([^"]{8,})"`)

// TestSecretsStayWhereTheyBelong searches the logs, the executions' histories and everything the table is told, of a clean run and
// of failing ones, for Fleet's credentials, for each secret that a vendor was told or told itself, and for personal data.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "supabase.CreateProject=lost,sendgrid.CreateKey=500-after", "twilio.CreateKey=403@1+", "sendgrid.SendMail=500-after", "supabase.GenerateLink=403@1+"} {
		t.Run(script, func(t *testing.T) {
			s := newShown()
			inBubble(t, func(o *world.Options) {
				faults(t, script)(o)
				s.listenTo(o)
				o.Log = slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
				o.Hooks.Table = func(_ string, inner table.Table) table.Table { return told{inner, s} }
			}, func(r *rig) {
				id := r.provision()
				if state := r.instance(id).State; state == fleet.Provisioning {
					t.Errorf("the run did not end: %s", state)
				}
				history, err := r.w.Executions.Save()
				if err != nil {
					t.Fatal(err)
				}
				_, _ = s.Write(history)
				s.wantNone(t)
			})
		})
	}
}

// newShown seeks the applicant's data.
func newShown() *shown {
	return &shown{secrets: map[string]string{"Ada Byron": "applicant", "ada@acme-dental.example": "applicant", "+12125550123": "applicant", "Acme Dental": "applicant"}}
}

// listenTo lets it seek Fleet's credentials, and what secrets pass.
func (s *shown) listenTo(o *world.Options) {
	o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper { return overhear(next, s) }
	for _, name := range []string{provider.SupabaseToken, provider.VercelToken, provider.CloudflareToken, provider.TwilioToken, provider.SendGridKey, step.WebhookSecret, step.LinkSecret} {
		s.keep(o.Credentials[name], name)
	}
}

// wantNone judges that nothing secret was shown.
func (s *shown) wantNone(t *testing.T) {
	t.Helper()
	if len(s.secrets) < 12 || s.text.Len() < 10000 {
		t.Errorf("%d secrets were sought in %d bytes: too few to show anything", len(s.secrets), s.text.Len())
	}
	everything := s.text.String()
	for value, from := range s.secrets {
		for _, spelling := range []string{value, base64.StdEncoding.EncodeToString([]byte(value)), url.QueryEscape(value)} {
			if i := strings.Index(everything, spelling); i >= 0 {
				t.Errorf("a secret of %s is shown: …%q…", from, everything[max(0, i-80):i])
			}
		}
	}
}

// overhear keeps the secrets that pass.
func overhear(next http.RoundTripper, s *shown) http.RoundTripper {
	return transport(func(q *http.Request) (*http.Response, error) {
		if q.Body != nil {
			body, err := io.ReadAll(q.Body)
			if err != nil {
				return nil, err
			}
			s.listen(q.URL.Host, body)
			q = q.Clone(q.Context())
			q.Body = io.NopCloser(bytes.NewReader(body))
		}
		answer, err := next.RoundTrip(q)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		s.listen(q.URL.Host, body)
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return answer, nil
	})
}

func (s *shown) listen(host string, body []byte) {
	for _, match := range inJSON.FindAllSubmatch(body, -1) {
		s.keep(string(match[2]), host+" "+string(match[1]))
	}
}

// told is a table that repeats whatever it is told to write.
type told struct {
	table.Table
	shown *shown
}

func (t told) Write(ctx context.Context, writes []table.Write) error {
	for _, w := range writes {
		_, _ = t.shown.Write([]byte(w.Item.Partition + " " + w.Item.Sort + " "))
		_, _ = t.shown.Write(append(w.Item.Body, '\n'))
	}
	return t.Table.Write(ctx, writes)
}
