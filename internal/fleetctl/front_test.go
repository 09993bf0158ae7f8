package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// realAPI is the local world's front: the functions' own code. Nothing is provisioned, so nothing takes time.
func realAPI(t *testing.T) (w *world.World, url string) {
	t.Helper()
	open := func(bucket string, indexes []string) *bolt.Table {
		table, err := bolt.Open(filepath.Join(t.TempDir(), "fleet.db"), clock.System(), indexes, bolt.Options{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = table.Close() })
		return table
	}
	kek, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	release, err := events.Release()
	if err != nil {
		t.Fatal(err)
	}
	w, err = world.New(world.Options{Clock: clock.System(), Seed: 7, Table: open("fleet", store.Indexes()), Keys: open("keys", nil), KeyEncryptionKey: kek,
		Credentials: map[string]string{provider.SupabaseToken: "sbp_0123456789", provider.VercelToken: "vercel-token", provider.CloudflareToken: "cloudflare-token",
			provider.TwilioToken: "f0e1d2c3b4a5968778695a4b3c2d1e0f", provider.SendGridKey: "SG.fleet.key", step.WebhookSecret: hookSecret, step.OperatorToken: "sesame",
			step.LinkSecret: strings.Repeat("l", step.MinLinkSecret)},
		Slots: 1, Databases: supabase.NoDatabases{}, OpenDatabase: (&memory.Store{}).Open, DatabaseURL: "postgres://{user}@{host}:5432/postgres", Release: release})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	front := httptest.NewServer(w.Front())
	t.Cleanup(front.Close)
	t.Setenv("FLEETCTL_API", front.URL)
	t.Setenv("FLEETCTL_TOKEN", "sesame")
	return w, front.URL
}

// signUp sends the sample signup with a slug of its own.
func signUp(t *testing.T, url, slug string) {
	t.Helper()
	sample, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(sample), `"acme-dental"`, `"`+slug+`"`, 1)
	hook, err := webhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	signature, err := hook.Sign("msg_"+slug, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/signups", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(webhooks.HeaderWebhookID, "msg_"+slug)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("the signup was answered %s", answer.Status)
	}
}

// TestAgainstTheRealAPI lets the commands meet the functions that answer them.
func TestAgainstTheRealAPI(t *testing.T) {
	w, url := realAPI(t)
	fleetctl(t, "list").want(t, exitDone, "There is no signup yet", "")
	fleetctl(t, "freeze", "fleet", "--reason", "a rehearsal").want(t, exitDone, "The fleet is frozen: nothing new starts. a rehearsal (token, ", "")
	fleetctl(t, "freeze", "azure", "--reason", "x").want(t, exitFailed, "", "\n  scope: one of fleet, terminations, supabase, vercel, cloudflare, twilio, sendgrid")
	signUp(t, url, "acme-dental")
	signUp(t, url, "beta-bakery")
	fleetctl(t, "list").want(t, exitDone, "2 instances; 2 to decide on", "")
	fleetctl(t, "list", "--state", "requested", "--json").want(t, exitDone, `"slug":"acme-dental"`, "")

	fleetctl(t, "approve", "acme-dental").want(t, exitDone, "acme-dental is APPROVED, number 1 in the queue", "")
	fleetctl(t, "show", "acme-dental").want(t, exitDone, "chain whole", "")
	fleetctl(t, "show", "acme-dental").want(t, exitDone, "thaw fleet", "")
	fleetctl(t, "reject", "acme-dental", "--reason", "too late", "--yes").want(t, exitFailed, "", "409 Conflict: the signup is APPROVED")
	fleetctl(t, "reject", "beta-bakery", "--reason", "signed up twice", "--yes").want(t, exitDone, "beta-bakery is REJECTED", "")
	fleetctl(t, "show", "beta-bakery").want(t, exitDone, "signed up twice", "")
	fleetctl(t, "retry", "acme-dental").want(t, exitFailed, "", "404 Not Found")
	fleetctl(t, "resend", "acme-dental", "welcome").want(t, exitFailed, "", "404 Not Found")
	fleetctl(t, "logs", "acme-dental").want(t, exitDone, "approve", "")
	fleetctl(t, "logs", "acme-dental", "--since", "30m", "--json").want(t, exitDone, `"lines":[`, "")

	fleetctl(t, "incidents", "--fail").want(t, exitDone, "No incident is open", "")
	id := rowOf(t, w, "acme-dental")
	err := w.Store.Update(t.Context(), id, func(tx *store.Tx) error {
		return tx.Open(fleet.Incident{ID: "message-welcome", Code: fleet.IncidentMessageUnknown, Reason: "who knows", NextAction: "look"})
	})
	if err != nil {
		t.Fatal(err)
	}
	fleetctl(t, "incidents", "--fail").want(t, exitFound, "fleetctl runbook MessageUnknown", "")
	fleetctl(t, "ack", "acme-dental").want(t, exitDone, "You see to MessageUnknown of acme-dental", "")
	fleetctl(t, "incidents").want(t, exitDone, "by token, since", "")
	fleetctl(t, "ack", "acme-dental", "messageunknown", "--close").want(t, exitDone, "is closed", "")
	fleetctl(t, "ack", "acme-dental").want(t, exitFailed, "", "has no open incident")

	fleetctl(t, "cancel", "acme-dental", "--yes").want(t, exitDone, "is REJECTED: it waited for its slot", "")
	fleetctl(t, "thaw", "fleet").want(t, exitDone, "Nothing is frozen", "")
	fleetctl(t, "show", "acme-dental", "--audit").want(t, exitDone, "signup.cancelled", "")
	t.Setenv("FLEETCTL_TOKEN", "wrong")
	fleetctl(t, "list").want(t, exitFailed, "", "It did not take the token of FLEETCTL_TOKEN")
}

// rowOf is the id of the instance with a slug.
func rowOf(t *testing.T, w *world.World, slug string) string {
	t.Helper()
	for _, status := range fleet.SignupStatuses() {
		signups, err := w.Store.Signups(t.Context(), status)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range signups {
			if s.Slug == slug {
				return s.InstanceID
			}
		}
	}
	t.Fatalf("there is no %s", slug)
	return ""
}
