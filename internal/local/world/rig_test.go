package world_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/table"
)

const (
	hookSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	linkSecret    = "a-secret-of-more-than-thirty-two-bytes"
	operatorToken = "the-operators-own-token"
)

// rig is a world in virtual time with the means to drive and to judge it.
type rig struct {
	t         *testing.T
	w         *world.World
	ctx       context.Context
	databases *memory.Store
	table     table.Table // the fleet's
	keys      table.Table // of the wrapped keys
	kek       tink.AEADWithContext
	history   objects.Memory // of configurations

	mu    sync.Mutex
	calls []sim.Call
}

// TestMain lets garbage be collected less often than by default: worlds are small and many, and it takes a tenth of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// tried says whether the i-th of many like cases is tried: each n-th is, and with FLEET_TEST_ALL=1 all are.
func tried(i, n int) bool { return i%(n*fewer) == 0 || os.Getenv("FLEET_TEST_ALL") != "" }

// inBubble runs a test in virtual time on a fresh world. change adjusts its options.
func inBubble(t *testing.T, change func(*world.Options), test func(r *rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, dir, change)
		test(r)
		if err := r.w.Settle(r.ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// underContract is inBubble, and checks every request that a client sends and every answer that a simulator gives against the
// vendors' own documents, where VENDOR_SPECS names them.
func underContract(t *testing.T, change func(*world.Options), test func(r *rig)) {
	t.Helper()
	if os.Getenv("VENDOR_SPECS") == "" {
		inBubble(t, change, test)
		return
	}
	var spec *contract.Spec
	inBubble(t, func(o *world.Options) {
		if change != nil {
			change(o)
		}
		wrap := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			if wrap != nil {
				next = wrap(next)
			}
			return spec.Check(next)
		}
	}, func(r *rig) {
		spec = contract.OpenAll(r.t, contract.Places(r.w.Endpoints))
		test(r)
		if len(spec.Seen()) == 0 {
			r.t.Error("no call was checked")
		}
	})
}

func newRig(t *testing.T, dir string, change func(*world.Options)) *rig {
	t.Helper()
	c := clock.System()
	open := func(bucket string, indexes []string) *bolt.Table {
		opened, err := bolt.Open(filepath.Join(dir, "fleet.db"), c, indexes, bolt.Options{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		return opened
	}
	kek, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	release, err := events.Release()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ctx: t.Context(), databases: &memory.Store{}}
	o := world.Options{Clock: c, Seed: 7, Table: open("fleet", store.Indexes()), Keys: open("keys", nil), KeyEncryptionKey: kek,
		Credentials: map[string]string{
			provider.SupabaseToken: "sbp_0123456789", provider.VercelToken: "vercel-token", provider.CloudflareToken: "cloudflare-token",
			provider.TwilioToken: "f0e1d2c3b4a5968778695a4b3c2d1e0f", provider.SendGridKey: "SG.fleet.key",
			step.WebhookSecret: hookSecret, step.OperatorToken: operatorToken, step.LinkSecret: linkSecret,
		},
		History: &r.history, Slots: 2, Databases: supabase.NoDatabases{}, OpenDatabase: r.connect, DatabaseURL: "postgres://{user}@{host}:5432/postgres",
		Release: release, Latency: world.Latency{Answer: 300 * time.Millisecond, Lag: 2 * time.Second}, Skew: bounds.Skew}
	if os.Getenv("FLEET_TEST_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	o.Hooks.OnCall = func(_ asl.Place, call sim.Call) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call)
	}
	if change != nil {
		change(&o)
	}
	r.table, r.keys, r.kek = o.Table, o.Keys, o.KeyEncryptionKey
	if r.w, err = world.New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

// connect reaches a database where its project's pooler is, and nowhere else.
func (r *rig) connect(ctx context.Context, url provider.Secret) (schema.Database, error) {
	key, err := memory.Key(url)
	if err != nil {
		return nil, err
	}
	user, at, _ := strings.Cut(key, "@")
	if host, _, _ := strings.Cut(at, ":"); !r.w.Vendors.Supabase.Reached(host, user) {
		return nil, &fault.Error{Code: fault.Unavailable, Vendor: "supabase", Operation: "Connect", Text: "no database at " + key, NothingHappened: true}
	}
	return r.databases.Open(ctx, url)
}

// faults scripts vendors' calls.
func faults(t *testing.T, script string) func(*world.Options) {
	t.Helper()
	rules, err := sim.ParseRules(script)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *world.Options) { o.Script = sim.NewScript(rules...) }
}

// do sends a request to the HTTP front and decodes the answer.
func (r *rig) do(method, path, body string, header http.Header) (int, map[string]any) {
	r.t.Helper()
	q := httptest.NewRequestWithContext(r.ctx, method, path, strings.NewReader(body))
	for k, v := range header {
		q.Header[k] = v
	}
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	answer := map[string]any{}
	if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil {
		r.t.Fatalf("%s %s answered %d: %s", method, path, out.Code, out.Body)
	}
	return out.Code, answer
}

// sign signs a webhook as the signup form's server does.
func (r *rig) sign(id, body string) http.Header {
	r.t.Helper()
	hook, err := webhooks.NewWebhook(hookSecret)
	if err != nil {
		r.t.Fatal(err)
	}
	now := time.Now()
	signature, err := hook.Sign(id, now, []byte(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}}
}

var operator = http.Header{"Authorization": {"Bearer " + operatorToken}}

func sampleSignup(t testing.TB) []byte {
	t.Helper()
	sample, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	return sample
}

// signup sends the sample signup, with another slug if one is given, and gives the instance's id.
func (r *rig) signup(webhook, slug string) string {
	r.t.Helper()
	body := string(bytes.ReplaceAll(sampleSignup(r.t), []byte("acme-dental\","), []byte(slug+"\",")))
	status, answer := r.do("POST", "/signups", body, r.sign(webhook, body))
	for try := 0; underWay(status, answer) && try < 20; try++ {
		time.Sleep(2 * time.Second)
		status, answer = r.do("POST", "/signups", body, r.sign(webhook, body))
	}
	if status != http.StatusAccepted {
		r.t.Fatalf("signup answered %d: %v", status, answer)
	}
	return answer["id"].(string)
}

func (r *rig) approve(id string) {
	r.t.Helper()
	if status, answer := r.do("POST", "/signups/"+id+"/approve", "", operator); status != http.StatusAccepted {
		r.t.Fatalf("approval answered %d: %v", status, answer)
	}
}

// provision signs up, approves, and waits until nothing moves any more.
func (r *rig) provision() string {
	r.t.Helper()
	id := r.signup("msg_1", "acme-dental")
	r.approve(id)
	r.settle()
	return id
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.w.Settle(r.ctx); err != nil {
		r.t.Fatal(err)
	}
}

// invoke invokes a scheduled function now.
func (r *rig) invoke(function string) {
	r.t.Helper()
	if _, err := r.w.Invoke(r.ctx, function, json.RawMessage("{}")); err != nil {
		r.t.Fatalf("%s: %v", function, err)
	}
}

// path is the states of an execution, in the order of their names within what runs side by side: sorted, with the number of
// visits left out.
func (r *rig) path(workflow, name string) []string {
	r.t.Helper()
	visits, err := r.w.Executions.Visits(r.w.Executions.ExecutionARN(workflow, name))
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	states := make([]string, 0, len(visits))
	for _, v := range visits {
		states = append(states, v.State)
	}
	return states
}

func (r *rig) instance(id string) fleet.Instance {
	r.t.Helper()
	i, err := r.w.Store.Instance(r.ctx, id)
	if err != nil || i == nil {
		r.t.Fatalf("instance %s: %v, %v", id, i, err)
	}
	return *i
}

func (r *rig) operation(id string) fleet.Operation {
	r.t.Helper()
	o, err := r.w.Store.Operation(r.ctx, id, "op-"+id)
	if err != nil || o == nil {
		r.t.Fatalf("operation of %s: %v, %v", id, o, err)
	}
	return *o
}

// wantActive judges that the instance is ACTIVE with exactly one resource of each kind, ledger and vendors equal.
func (r *rig) wantActive(id string) {
	r.t.Helper()
	if i := r.instance(id); i.State != fleet.Active || i.Operation != "" {
		r.t.Errorf("instance is %s, operation %q: %+v", i.State, i.Operation, i.Progress)
	}
	if o := r.operation(id); o.Outcome != fleet.Succeeded {
		r.t.Errorf("operation ended as %q: %s", o.Outcome, o.Failure)
	}
	r.wantLedgerTrue(id)
	if keys := r.databases.Keys(); len(keys) != 1 || !r.databases.Migrated(keys[0]) {
		r.t.Errorf("databases: %v", keys)
	}
	r.wantAuditWhole(id)
}

// wantClean judges that the instance is TERMINATED, its operation ended clean, and nothing is left at any vendor.
func (r *rig) wantClean(id string) {
	r.t.Helper()
	if i := r.instance(id); i.State != fleet.Terminated || i.Operation != "" {
		r.t.Errorf("instance is %s, operation %q: %+v", i.State, i.Operation, i.Progress)
	}
	if o := r.operation(id); o.Outcome != fleet.FailedClean {
		r.t.Errorf("operation ended as %q: %s", o.Outcome, o.Failure)
	}
	if held := r.w.Vendors.Inventory(); len(held) > 0 {
		r.t.Errorf("left at vendors: %+v", held)
	}
	s, err := r.w.Store.Signup(r.ctx, id)
	if err != nil || s.Status != fleet.Failed || s.Reason == "" {
		r.t.Errorf("signup: %+v, %v", s, err)
	}
	r.wantAuditWhole(id)
}

// wantLedgerTrue judges that what the ledgers of these instances call created is just what the vendors hold.
func (r *rig) wantLedgerTrue(ids ...string) {
	r.t.Helper()
	var entries []fleet.Resource
	for _, id := range ids {
		own, err := r.w.Store.Resources(r.ctx, id)
		if err != nil {
			r.t.Fatal(err)
		}
		entries = append(entries, own...)
	}
	settings := slices.DeleteFunc(fleet.Settings(), func(k fleet.Kind) bool { return k == fleet.AdminUser })
	var ledger, vendors []string
	for _, e := range entries {
		if e.Status == fleet.Created && !slices.Contains(settings, e.Kind) {
			ledger = append(ledger, fmt.Sprintf("%s/%s", e.Kind, e.Name))
		}
	}
	for _, h := range r.w.Vendors.Inventory() {
		vendors = append(vendors, h.Kind+"/"+h.Name)
	}
	slices.Sort(ledger)
	slices.Sort(vendors)
	if !slices.Equal(ledger, vendors) {
		r.t.Errorf("ledger and vendors differ:\nledger  %s\nvendors %s", strings.Join(ledger, "\n        "), strings.Join(vendors, "\n        "))
	}
}

func (r *rig) wantAuditWhole(id string) {
	r.t.Helper()
	entries, head, err := r.w.Store.Audit(r.ctx, id)
	if err == nil {
		err = fleet.VerifyChain(entries, head)
	}
	if err != nil || len(entries) == 0 {
		r.t.Errorf("audit of %d entries: %v", len(entries), err)
	}
}

// wantMails judges how many mails were accepted by subject's beginning.
func (r *rig) wantMails(n int) {
	r.t.Helper()
	if sent := r.w.Vendors.SendGrid.Sent(); len(sent) != n {
		r.t.Errorf("%d mails were sent, want %d", len(sent), n)
	}
}

// leaveQuarantine judges that the slug is free at once, or, where an attempt's outcome was unknown, after the last recheck
// and not before.
func (r *rig) leaveQuarantine(id string) {
	r.t.Helper()
	i := r.instance(id)
	claim, err := r.w.Store.Claim(r.ctx, i.Slug)
	if err != nil {
		r.t.Fatal(err)
	}
	ledger, err := r.w.Store.Resources(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	unknown := slices.ContainsFunc(ledger, func(e fleet.Resource) bool {
		_, inside := fleet.Inside()[e.Kind]
		return e.Unknown && !inside
	})
	if quarantined := claim != nil && claim.Quarantined; quarantined != unknown {
		r.t.Errorf("quarantined %t with unknown attempts %t", quarantined, unknown)
	}
	if !unknown {
		return
	}
	for _, wait := range []time.Duration{bounds.RecheckSoon, bounds.RecheckLate} {
		if claim, err := r.w.Store.Claim(r.ctx, i.Slug); err != nil || claim == nil {
			r.t.Fatalf("the slug is free before the last recheck: %v", err)
		}
		time.Sleep(wait + 2*bounds.Margin)
		r.invoke("recheck")
	}
	if claim, err := r.w.Store.Claim(r.ctx, i.Slug); err != nil || claim != nil {
		r.t.Errorf("the slug is not free after the last recheck: %+v, %v", claim, err)
	}
}
