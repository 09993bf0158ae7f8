package world_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// form is the sample signup with another slug.
func (r *rig) form(slug string) string {
	r.t.Helper()
	sample, err := events.Signup()
	if err != nil {
		r.t.Fatal(err)
	}
	return string(bytes.ReplaceAll(sample, []byte("acme-dental\","), []byte(slug+"\",")))
}

// post sends a webhook, signed now.
func (r *rig) post(webhook, body string) (int, map[string]any) {
	r.t.Helper()
	return r.do("POST", "/signups", body, r.sign(webhook, body))
}

// want judges an answer's status.
func (r *rig) want(status int, got int, answer map[string]any) {
	r.t.Helper()
	if got != status {
		r.t.Errorf("answered %d, want %d: %v", got, status, answer)
	}
}

// status asks a signup's status URL.
func (r *rig) status(id string) map[string]any {
	r.t.Helper()
	code, answer := r.do("GET", "/signups/"+id, "", nil)
	r.want(http.StatusOK, code, answer)
	return answer
}

// wantFree judges whether nobody has claimed a slug.
func (r *rig) wantFree(slug string, free bool) {
	r.t.Helper()
	if claim, err := r.w.Store.Claim(r.ctx, slug); err != nil || (claim == nil) != free {
		r.t.Errorf("claim of %s: %+v, %v", slug, claim, err)
	}
}

func exact(o *world.Options) { o.Skew = 0 }

func TestReplayedSignupGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		body := r.form("acme-dental")
		header := r.sign("msg_1", body)
		code, first := r.do("POST", "/signups", body, header)
		r.want(http.StatusAccepted, code, first)
		if url, _ := first["status_url"].(string); url != "http://fleet.test/signups/"+first["id"].(string) || first["status"] != "REQUESTED" || first["slug"] != "acme-dental" {
			t.Errorf("answer: %v", first)
		}
		again := func() {
			t.Helper()
			if code, answer := r.do("POST", "/signups", body, header); code != http.StatusAccepted || !maps.Equal(answer, first) {
				t.Errorf("the replay got %d %v, the first %v", code, answer, first)
			}
			if code, answer := r.post("msg_1", body); code != http.StatusAccepted || !maps.Equal(answer, first) {
				t.Errorf("signed anew it got %d %v, the first %v", code, answer, first)
			}
		}
		for id, want := range map[string]string{"msg_1": "true", "msg_2": ""} {
			q := httptest.NewRequestWithContext(r.ctx, "POST", "/signups", strings.NewReader(r.form(id[4:]+"-dental")))
			maps.Copy(q.Header, r.sign(id, r.form(id[4:]+"-dental")))
			out := httptest.NewRecorder()
			r.w.Front().ServeHTTP(out, q)
			if got := out.Header().Get("Idempotent-Replayed"); out.Code != http.StatusAccepted || got != want {
				t.Errorf("%s: %d, replayed %q", id, out.Code, got)
			}
		}
		again()
		var all sync.WaitGroup
		for range 20 {
			all.Go(again)
		}
		all.Wait()
		entries, _, err := r.w.Store.Audit(r.ctx, first["id"].(string))
		if err != nil || count(entries, "signup.requested") != 1 {
			t.Errorf("%+v, %v", entries, err)
		}
		r.wantAuditWhole(first["id"].(string))
		r.approve(first["id"].(string))
		r.settle()
		if s := r.status(first["id"].(string)); s["status"] != "COMPLETED" {
			t.Errorf("status: %v", s)
		}
		again() // the first answer, though the signup has moved on
		for _, other := range []string{r.form("other-dental"), "{}", "no JSON"} {
			if code, answer := r.post("msg_1", other); code != http.StatusAccepted || !maps.Equal(answer, first) {
				t.Errorf("another body under the same id got %d %v, the first %v", code, answer, first)
			}
		}
		r.wantFree("other-dental", true)
	})
}

func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		body := r.form("acme-dental")
		good := func() http.Header { return r.sign("msg_1", body) }
		changed := func(change func(h http.Header)) http.Header {
			h := good()
			change(h)
			return h
		}
		aged := func(age time.Duration) http.Header {
			t.Helper()
			hook, err := webhooks.NewWebhook(hookSecret)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Now().Add(-age)
			signature, err := hook.Sign("msg_1", at, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
		}
		stranger, err := webhooks.NewWebhook("whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy")
		if err != nil {
			t.Fatal(err)
		}
		forged, err := stranger.Sign("msg_1", time.Now(), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		details := map[string]bool{}
		for name, header := range map[string]http.Header{
			"nothing":              {},
			"no id":                changed(func(h http.Header) { h.Del("Webhook-Id") }),
			"no timestamp":         changed(func(h http.Header) { h.Del("Webhook-Timestamp") }),
			"no signature":         changed(func(h http.Header) { h.Del("Webhook-Signature") }),
			"empty signature":      changed(func(h http.Header) { h.Set("Webhook-Signature", "") }),
			"no version":           changed(func(h http.Header) { h.Set("Webhook-Signature", strings.TrimPrefix(h.Get("Webhook-Signature"), "v1,")) }),
			"another version":      changed(func(h http.Header) { h.Set("Webhook-Signature", "v2"+h.Get("Webhook-Signature")[2:]) }),
			"cut off":              changed(func(h http.Header) { h.Set("Webhook-Signature", h.Get("Webhook-Signature")[:20]) }),
			"another id":           changed(func(h http.Header) { h.Set("Webhook-Id", "msg_2") }),
			"another timestamp":    changed(func(h http.Header) { h.Set("Webhook-Timestamp", strconv.FormatInt(time.Now().Unix()+1, 10)) }),
			"no time at all":       changed(func(h http.Header) { h.Set("Webhook-Timestamp", "now") }),
			"another's secret":     changed(func(h http.Header) { h.Set("Webhook-Signature", forged) }),
			"of another body":      r.sign("msg_1", body+" "),
			"old":                  aged(5*time.Minute + time.Second),
			"very old":             aged(400 * 24 * time.Hour),
			"from the future":      aged(-5*time.Minute - time.Second),
			"before the epoch":     aged(time.Duration(time.Now().Unix()+10) * time.Second),
			"the operator's token": operator,
		} {
			code, answer := r.do("POST", "/signups", body, header)
			if code != http.StatusUnauthorized {
				t.Errorf("%s: %d %v", name, code, answer)
			}
			details[fmt.Sprint(answer["detail"])] = true
		}
		if len(details) != 2 { // wrong, or old
			t.Errorf("answers: %v", details)
		}
		r.wantFree("acme-dental", true)
		for name, header := range map[string]http.Header{
			"just in time":       aged(5 * time.Minute),
			"just not too early": aged(-5 * time.Minute),
			"one of two secrets": changed(func(h http.Header) { h.Set("Webhook-Signature", forged+" "+h.Get("Webhook-Signature")) }),
		} {
			if code, answer := r.do("POST", "/signups", body, header); code != http.StatusAccepted {
				t.Errorf("%s: %d %v", name, code, answer)
			}
		}
	})
}

// TestReplayAfterTheTolerance: a recorded webhook is worth nothing later, though its signature is right.
func TestReplayAfterTheTolerance(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		body := r.form("acme-dental")
		header := r.sign("msg_1", body)
		time.Sleep(5*time.Minute + time.Second)
		code, answer := r.do("POST", "/signups", body, header)
		r.want(http.StatusUnauthorized, code, answer)
		r.wantFree("acme-dental", true)
	})
}

func TestFaultySignup(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		code, answer := r.post("msg_1", `{"company":5,"slug":"-","slug":"-","plan":"free","colour":1,"branding":{"primary_color":"red"}}`)
		r.want(http.StatusUnprocessableEntity, code, answer)
		fields, _ := answer["fields"].(map[string]any)
		want := []string{"admin_email", "admin_name", "branding.primary_color", "colour", "company", "plan", "slug"}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("faults %v, want %v", got, want)
		}
		for body, status := range map[string]int{
			"":                                     http.StatusBadRequest,
			"[]":                                   http.StatusBadRequest,
			"{\"company\":\"\xff\"}":               http.StatusBadRequest,
			r.form("acme-dental") + "{}":           http.StatusBadRequest,
			strings.Repeat(" ", httpapi.MaxBody+1): http.StatusRequestEntityTooLarge,
		} {
			code, answer := r.post("msg_2", body)
			if r.want(status, code, answer); answer["title"] == "" || answer["status"] != float64(status) {
				t.Errorf("answer: %v", answer)
			}
		}
		r.wantFree("-", true)
		code, answer = r.post("msg_1", r.form("acme-dental")) // mended and sent again
		r.want(http.StatusAccepted, code, answer)
	})
}

// TestSlugInQuarantine: while something of a failed instance may still turn up, its slug is nobody's.
func TestSlugInQuarantine(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "twilio.CreateAccount=403@1+,supabase.CreateProject=lost"), func(r *rig) {
		id := r.provision()
		r.wantClean(id)
		code, answer := r.post("msg_2", r.form("acme-dental"))
		if r.want(http.StatusConflict, code, answer); !strings.Contains(fmt.Sprint(answer["detail"]), "quarantine") {
			t.Errorf("answer: %v", answer)
		}
		if s := r.status(id); s["status"] != "FAILED" || s["reason"] == nil || s["state"] != "TERMINATED" || s["url"] != nil {
			t.Errorf("status: %v", s)
		}
		r.leaveQuarantine(id)
		code, answer = r.post("msg_2", r.form("acme-dental"))
		r.want(http.StatusAccepted, code, answer)
	})
}

// TestSignupsOverABadTable: conflicts and lost answers of the table reach nobody outside, and double nothing.
func TestSignupsOverABadTable(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		var bad *chaos.Table
		var once sync.Once
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if !slices.Contains([]string{"signup", "approve", "reject", "admit"}, function) {
				return inner
			}
			once.Do(func() {
				bad = chaos.Wrap(inner, clock.System(), chaos.Options{Seed: 11, Conflict: 0.2, Lost: 0.2, Vanished: 0.2, Lag: 3 * time.Second})
			})
			return bad
		}
	}, func(r *rig) {
		ids := r.queue(3)
		refused := r.signup("msg_refused", "refused")
		code, answer := r.do("POST", "/signups/"+refused+"/reject", `{"reason":"because"}`, operator)
		r.want(http.StatusAccepted, code, answer)
		for range 60 { // the list of those approved lags; the schedule sees to it
			r.invoke("admit")
			time.Sleep(30 * time.Second)
		}
		r.settle()
		r.wantFree("refused", true)
		r.wantAllActive(ids)
		for _, id := range ids {
			entries, _, err := r.w.Store.Audit(r.ctx, id)
			if err != nil || count(entries, "signup.requested") != 1 || count(entries, "signup.decided") != 1 || count(entries, "signup.admitted") != 1 {
				t.Errorf("%+v, %v", entries, err)
			}
		}
	})
}
