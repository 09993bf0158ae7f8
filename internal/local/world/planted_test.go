package world_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/leak"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// freezeFor freezes the fleet for a reason: free text that is stored, audited and shown.
func (s *secrets) freezeFor(reason string) {
	s.t.Helper()
	text, err := json.Marshal(map[string]string{"scope": "fleet", "reason": reason})
	if err != nil {
		s.t.Fatal(err)
	}
	s.ask(http.MethodPost, "/freeze", string(text))
}

// send has SendGrid send a mail with a text.
func (s *secrets) send(to, text string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"personalizations": []any{map[string]any{"to": []any{map[string]string{"email": to}}}},
		"from": map[string]string{"email": world.Settings().MailFrom}, "subject": "x", "content": []any{map[string]string{"type": "text/plain", "value": text}}})
	if err != nil {
		s.t.Fatal(err)
	}
	q := httptest.NewRequestWithContext(s.ctx, http.MethodPost, "/v3/mail/send", strings.NewReader(string(body)))
	q.Header.Set("Authorization", "Bearer SG.fleet.key")
	q.Header.Set("Content-Type", "application/json")
	out := httptest.NewRecorder()
	s.w.Vendors.SendGrid.ServeHTTP(out, q)
	if out.Code != http.StatusAccepted {
		s.t.Fatalf("the mail was answered %d: %s", out.Code, out.Body)
	}
}

// TestLeaksAreFound lets one of Fleet's credentials out on purpose, in base64, by each emitter: the search finds it there.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		emitter string
		let     func(s *secrets, out string)
	}{
		{logged, func(s *secrets, out string) { s.log.Info("a slip", "of", out) }},
		{histories, func(s *secrets, out string) {
			if _, err := s.w.Executions.StartExecution("teardown", "a-slip", json.RawMessage(`{"of":"`+out+`"}`)); err != nil {
				s.t.Fatal(err)
			}
			s.settle()
		}},
		{items, (*secrets).freezeFor},
		{audits, func(s *secrets, out string) {
			if err := s.w.Store.Update(s.ctx, fleet.FleetID, func(tx *store.Tx) error {
				tx.Audit(fleet.AuditEntry{ID: "a-slip", Actor: "fleet", Action: "slip", Subject: out})
				return nil
			}); err != nil {
				s.t.Fatal(err)
			}
		}},
		{answers, (*secrets).freezeFor},
		{wrappedKeys, func(s *secrets, out string) {
			item := table.Item{Key: table.Key{Partition: "a", Sort: "slip"}, Body: []byte(`{"of":"` + out + `"}`)}
			if err := s.keys.Write(s.ctx, []table.Write{{Op: table.Put, Item: item, If: table.Condition{Absent: true}}}); err != nil {
				s.t.Fatal(err)
			}
		}},
		{operatorMail, func(s *secrets, out string) { s.send(world.Settings().OperatorMail, out) }},
		{leak.AdminMail, func(s *secrets, out string) { s.send("ada@acme-dental.example", out) }},
		{published, func(s *secrets, out string) {
			if err := s.publish(s.ctx, "a slip", out); err != nil {
				s.t.Fatal(err)
			}
		}},
		{applicants, func(s *secrets, out string) {
			body := strings.ReplaceAll(strings.ReplaceAll(string(sampleSignup(s.t)), "Acme Dental", out), "acme-dental", "other-dental")
			if status, answer := s.do("POST", "/signups", body, s.sign("msg_2", body)); status != http.StatusAccepted {
				s.t.Fatalf("signup answered %d: %v", status, answer)
			}
		}},
	} {
		t.Run(c.emitter, func(t *testing.T) {
			inSecret(t, nil, func(s *secrets) {
				id := s.signup("msg_1", "acme-dental")
				c.let(s, base64.StdEncoding.EncodeToString([]byte("of:"+s.credential)))
				s.gather(id)
				if !slices.ContainsFunc(s.search.Found(), func(f leak.Found) bool { return f.Emitter == c.emitter && f.From == provider.SupabaseToken }) {
					t.Errorf("it is not found among %v", s.search.Found())
				}
			})
		})
	}
}
