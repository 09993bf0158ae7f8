//go:build faults

package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/sim"
)

// run is one provisioning in a world of its own, with what it recorded.
type run struct {
	ctx    context.Context
	base   *base
	w      *world.World
	script script
	closes func()
	before map[string]bool // what the vendors held, by kind and id

	mu        sync.Mutex
	id        string // the instance, once it is known
	approved  time.Time
	struck    []bool // by fault of the case
	calls     []placedCall
	points    []world.Point
	invoked   map[string]time.Time // when a function's latest invocation began
	retried   bool                 // a take-down ended dirty, and an operator had it go on
	mailsSent int                  // before it began
	outage    string               // the vendor that goes down with the take-down, and until when it is
	until     time.Time

	databases *memory.Store
	options   world.Options
	direct    http.RoundTripper // to the vendors, past every invocation
	answers   []answered        // to the operators who cancelled
	failing   harm              // what befalls the write of a file that comes next
	journal   []happened        // to the subject, in its order
	had, has  map[string]bool
}

// placedCall is a call of a vendor that a state machine's step made.
type placedCall struct {
	sim.Call
	place asl.Place
	into  time.Duration // how long after its invocation's beginning it was sent
	n     int           // counts it among those of its operation
}

// open begins in the base's fleet, or in an empty one while there is none yet. It is called inside of a bubble.
func open(ctx context.Context, dir string, b *base, s script) (*run, error) {
	if b.table != nil {
		if err := os.WriteFile(filepath.Join(dir, tableFile), b.table, 0o600); err != nil {
			return nil, err
		}
		time.Sleep(time.Until(b.at))
	}
	o, closes, err := b.options(dir)
	if err != nil {
		return nil, err
	}
	r := &run{ctx: ctx, base: b, script: s, closes: closes, struck: make([]bool, len(s)), invoked: map[string]time.Time{}}
	for i := range s {
		r.struck[i] = s[i].call.Call+string(s[i].harm) == "" // nothing that has to come
	}
	s.options(&o)
	if r.databases = b.databases; b.wish == "" && b.end == nil {
		r.databases = &memory.Store{}
	}
	o.OpenDatabase = func(ctx context.Context, url provider.Secret) (schema.Database, error) {
		return r.databases.Open(ctx, url)
	}
	o.Hooks = world.Hooks{OnCall: r.called, Late: r.begins, Dies: r.dies, Loses: r.loses, Again: r.again, Transport: r.reach,
		OnSettled: r.settled, Keys: r.keys}
	if err := r.openStores(&o); err != nil {
		return nil, err
	}
	r.options = o
	if r.w, err = world.New(o); err != nil {
		return nil, err
	}
	for _, v := range r.w.Vendors.All() {
		if state, ok := b.vendors[v.Name()]; ok {
			if err := v.Load(state); err != nil {
				return nil, err
			}
		}
	}
	if r.before, r.mailsSent = b.held, b.mails; r.before == nil {
		r.before = map[string]bool{}
	}
	r.w.RestoreCalendar(b.calendar)
	r.settled(nil)
	return r, nil
}

// heldNow is what the vendors hold, by kind and id.
func (r *run) heldNow() map[string]bool {
	held := map[string]bool{}
	for _, h := range r.w.Vendors.Inventory() {
		held[h.Kind+"/"+h.ID] = true
	}
	return held
}

func (r *run) close() { r.closes() }

// called records a call, and that it went wrong as it was to.
func (r *run) called(place asl.Place, c sim.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.script {
		if s.call.Call == c.Vendor+"."+c.Operation && s.call.Kind == c.Fault {
			r.struck[i] = true
		}
	}
	r.calls = append(r.calls, placedCall{Call: c, place: place, into: c.Start.Sub(r.invoked[place.Function])})
}

// begins notes when an invocation begins, and delays none.
func (r *run) begins(function string, _ int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.invoked[function] = time.Now()
	return 0
}

// meets gives the harms that come at a point, each once.
func (r *run) meets(p world.Point, which ...harm) (met []harm) {
	p.After = false
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.script {
		if s.point == p && slices.Contains(which, s.harm) && !r.struck[i] {
			r.struck[i] = true
			met = append(met, s.harm)
		}
	}
	return met
}

func (r *run) dies(p world.Point) bool {
	if p.After {
		r.fails("")
		if len(r.meets(p, passed)) > 0 {
			r.interfere(passed)
			time.Sleep(stall)
		}
		return len(r.meets(p, crashAfter)) > 0
	}
	r.begun(p)
	r.mu.Lock()
	if f, _ := catalog.ByName(p.Function); r.base.end == nil && p.Commit && f.Trigger == catalog.Workflow || r.base.end.owns(p.Function) {
		r.points = append(r.points, p)
	}
	r.mu.Unlock()
	for _, h := range r.meets(p, takenOver, overtaken, stopped, comes) {
		if r.interfere(h); h == overtaken {
			time.Sleep(stall)
		}
	}
	if !p.Commit {
		for _, h := range r.meets(p, answerLost, unavailable) {
			r.fails(h)
		}
	}
	return len(r.meets(p, crashBefore)) > 0
}

func (r *run) loses(p world.Point) bool { return len(r.meets(p, answerLost)) > 0 }
func (r *run) again(p world.Point) bool { return len(r.meets(p, twice)) > 0 }

// stall is how long an invocation that is overtaken, or passed, stands still: nearly as long as it lives.
const stall = 50 * time.Second

// interfere does to the current run what others may do at any time.
func (r *run) interfere(h harm) {
	r.mu.Lock()
	id := r.id
	r.mu.Unlock()
	i, err := r.w.Store.Instance(r.ctx, id)
	if err != nil || i == nil {
		return
	}
	switch {
	case h == comes:
		r.w.Background(catalog.Due.Name)
		r.w.Background(catalog.Due.Name)
		return
	case r.base.end != nil && h != stopped:
		r.cancel()
		return
	}
	o, err := r.w.Store.Operation(r.ctx, id, cmp.Or(i.Operation, fleet.ProvisionID(id)))
	if err != nil || o == nil || !o.Running() {
		return
	}
	if h == stopped {
		_ = r.w.Executions.StopExecution(r.w.Executions.ExecutionARN(o.Workflow(), o.Execution()), "Operator", "stopped from outside") // there is none before its start
		return
	}
	payload, err := json.Marshal(struct {
		fleet.RunInput
		Failure map[string]string `json:"failure"`
	}{o.Input(), map[string]string{"Error": "TakenOver"}})
	if err == nil {
		takeOver := catalog.BeginTeardown.Name
		if o.Kind != fleet.Provision {
			takeOver = catalog.BeginUndo.Name
		}
		_, _ = r.w.Invoke(r.ctx, takeOver, payload) // refused where somebody else was faster
	}
}

// do sends a request to the HTTP front, and gives status and answer.
func (r *run) do(path, body string, header http.Header) (int, map[string]any, error) {
	q := httptest.NewRequestWithContext(r.ctx, http.MethodPost, path, strings.NewReader(body))
	for k, v := range header {
		q.Header[k] = v
	}
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	answer := map[string]any{}
	return out.Code, answer, json.Unmarshal(out.Body.Bytes(), &answer)
}

var operator = http.Header{"Authorization": {"Bearer operator"}}

// provision signs up and approves, and gives the instance's id.
func (r *run) provision(slug string) (string, error) {
	sample, err := events.Signup()
	if err != nil {
		return "", err
	}
	body := bytes.ReplaceAll(sample, []byte("acme-dental\","), []byte(slug+"\","))
	hook, err := webhooks.NewWebhook(hookSecret)
	if err != nil {
		return "", err
	}
	now := time.Now()
	signature, err := hook.Sign("msg_"+slug, now, body)
	if err != nil {
		return "", err
	}
	status, answer, err := r.do("/signups", string(body), http.Header{"Webhook-Id": {"msg_" + slug},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}})
	if err != nil || status != http.StatusAccepted {
		return "", fmt.Errorf("the signup was answered with %d: %v, %w", status, answer, err)
	}
	id, _ := answer["id"].(string)
	r.mu.Lock()
	r.id = id
	r.mu.Unlock()
	r.approved = time.Now()
	if status, answer, err := r.do("/signups/"+id+"/approve", "", operator); err != nil || status != http.StatusAccepted {
		return id, fmt.Errorf("the approval was answered with %d: %v, %w", status, answer, err)
	}
	return id, nil
}

// finish waits until the operation has its outcome and nothing moves any more. What an asynchronous function left, its schedule
// goes on with; a take-down that ended dirty an operator lets go on once.
func (r *run) finish(id string) error {
	if err := r.w.Settle(r.ctx); err != nil {
		return err
	}
	for range 6 {
		o, err := r.w.Store.Operation(r.ctx, id, "op-"+id)
		switch {
		case err != nil || o != nil && o.Outcome != "" && (o.Outcome != fleet.FailedDirty || r.retried):
			return err
		case o != nil && o.Outcome == fleet.FailedDirty:
			r.retried = true
			if status, answer, err := r.do("/instances/"+id+"/retry", "", operator); err != nil || status != http.StatusAccepted {
				return fmt.Errorf("the retry was answered with %d: %v, %w", status, answer, err)
			}
		default:
			time.Sleep(time.Minute)
			for _, function := range []string{"admit", "reconcile"} {
				if _, err := r.w.Invoke(r.ctx, function, json.RawMessage("{}")); err != nil {
					return fmt.Errorf("%s: %w", function, err)
				}
			}
		}
		if err := r.w.Settle(r.ctx); err != nil {
			return err
		}
	}
	return errors.New("the operation never came to an outcome")
}

// deliver lets the outbox be seen to until nothing is left in it.
func (r *run) deliver() error {
	for range 6 {
		left, err := r.w.Store.Outbox(r.ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		if _, err := r.w.Invoke(r.ctx, "deliver", json.RawMessage("{}")); err != nil {
			return err
		}
		if err := r.w.Settle(r.ctx); err != nil {
			return err
		}
		time.Sleep(time.Minute)
	}
	return errors.New("the outbox is never empty")
}

// records are what the store has of an instance, as JSON.
func (r *run) records(id string) (string, error) {
	var errs [6]error
	var all [6]any
	all[0], errs[0] = r.w.Store.Instance(r.ctx, id)
	all[1], errs[1] = r.w.Store.Signup(r.ctx, id)
	all[2], errs[2] = r.w.Store.Operations(r.ctx, id)
	all[3], errs[3] = r.w.Store.Resources(r.ctx, id)
	all[4], errs[4] = r.w.Store.Messages(r.ctx, id)
	_, all[5], errs[5] = r.w.Store.Audit(r.ctx, id)
	text, err := json.Marshal(all)
	return string(text), errors.Join(append(errs[:], err)...)
}
