package step_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

const (
	instanceID  = "1"
	operationID = "op-1"
)

// rig is one instance in PROVISIONING under epoch 1, a vendor without faults, and the means to invoke steps.
type rig struct {
	t      testing.TB
	ctx    context.Context
	clock  clock.Clock // the true one
	chaos  *chaos.Table
	store  *store.Store
	vault  *seal.Vault
	vendor *vendor
	nonces atomic.Int64
}

// inBubble runs a test in virtual time on a rig of its own.
func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newRig(t)) })
}

// tables is the file that holds all rigs' tables, each under a name of its own: a file of its own for each would take longer to
// make than most tests do.
var tables struct {
	path string
	made atomic.Int64
}

func TestMain(m *testing.M) { os.Exit(withTables(m)) }

func withTables(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gimbal-fleet-step-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a left-over in a temporary folder
	tables.path = filepath.Join(dir, "fleet.db")
	open, err := bolt.Open(tables.path, clock.System(), nil, bolt.Options{Bucket: "keeps the file open"})
	if err != nil {
		panic(err)
	}
	defer func() { _ = open.Close() }() // it goes with its folder
	return m.Run()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	bucket := strconv.FormatInt(tables.made.Add(1), 10)
	c := clock.System()
	open := func(bucket string, indexes []string) *bolt.Table {
		b, err := bolt.Open(tables.path, c, indexes, bolt.Options{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	kek, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ctx: t.Context(), clock: c, chaos: chaos.Wrap(open(bucket, store.Indexes()), c, chaos.Options{}),
		vault: seal.New(open(bucket+"-keys", nil), kek), vendor: &vendor{clock: c, script: map[string][]fate{}}}
	r.store = store.New(r.chaos, c)
	t.Cleanup(func() {
		r.vendor.late.Wait()
		r.chaos.Drain()
	})
	r.seed()
	return r
}

func (r *rig) seed() {
	r.t.Helper()
	if err := r.vault.Mint(r.ctx, instanceID); err != nil {
		r.t.Fatal(err)
	}
	r.update(func(tx *store.Tx) error {
		_, err := tx.MoveEpoch(0)
		progress := fleet.Progress{Deadline: tx.Now().Add(bounds.Provision)}
		return errors.Join(err, tx.PutSignup(&fleet.Signup{InstanceID: instanceID, Slug: "acme", Status: fleet.Admitted, RequestedAt: tx.Now()}),
			tx.PutInstance(&fleet.Instance{ID: instanceID, Slug: "acme", State: fleet.Provisioning, Operation: operationID, Progress: progress, CreatedAt: tx.Now()}),
			tx.PutOperation(&fleet.Operation{ID: operationID, InstanceID: instanceID, Kind: fleet.Provision, Phase: fleet.Building, N: 1,
				Epoch: 1, Progress: progress, StartedAt: tx.Now(), RunStartedAt: tx.Now()}))
	})
}

// update changes the store behind the steps' backs.
func (r *rig) update(change func(tx *store.Tx) error) {
	r.t.Helper()
	if err := r.store.Update(r.ctx, instanceID, change); err != nil {
		r.t.Fatal(err)
	}
}

// takeOver moves the epoch on, as a take-down does that begins.
func (r *rig) takeOver() {
	r.update(func(tx *store.Tx) error {
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		_, err = tx.MoveEpoch(old)
		return err
	})
}

// put writes a ledger entry, whatever is there.
func (r *rig) put(e fleet.Resource) {
	r.t.Helper()
	e.Kind, e.Name = ourKind, ourName
	r.update(func(tx *store.Tx) error {
		if _, err := tx.Resource(e.Kind, e.Name); err != nil {
			return err
		}
		return tx.PutResource(&e)
	})
}

// entry is the ledger's of our resource.
func (r *rig) entry() fleet.Resource { return r.entryOf(ourKind, ourName) }

func (r *rig) entryOf(kind fleet.Kind, name string) fleet.Resource {
	r.t.Helper()
	e, err := r.store.Resource(r.ctx, instanceID, kind, name)
	if err != nil {
		r.t.Fatal(err)
	}
	if e == nil {
		return fleet.Resource{}
	}
	return *e
}

// audited are the actions of the audit, in order, once its chain holds.
func (r *rig) audited() (actions []string) {
	r.t.Helper()
	entries, head, err := r.store.Audit(r.ctx, instanceID)
	if err == nil && len(entries) > 0 {
		err = fleet.VerifyChain(entries, head)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	return actions
}

// life is what sets an invocation apart.
type life struct {
	epoch int64         // 1 if zero
	skew  time.Duration // of its clock
	limit time.Duration // bounds.Lambda if zero
	// diesAt is the vendor or table call, counted from 1, at which it dies: before it, or after it.
	diesAt int
	after  bool
}

// invocation is a step under way, with ports that die with it.
type invocation struct {
	*step.Run
	ctx      context.Context
	resource step.Resource
	port     *port
	end      context.CancelFunc // ends it, as the return of its handler does
}

// begin begins an invocation and fails the test if it does not begin.
func (r *rig) begin(l life) invocation {
	r.t.Helper()
	i, err := r.tryBegin(l)
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

func (r *rig) tryBegin(l life) (invocation, error) {
	if l.epoch == 0 {
		l.epoch = 1
	}
	if l.limit == 0 {
		l.limit = bounds.Lambda
	}
	c := clock.Skewed(r.clock, l.skew)
	ctx, cancel := c.WithTimeout(r.ctx, l.limit)
	p := &port{life: l, kill: cancel, deadline: r.clock.Now().Add(l.limit), table: r.chaos, vendor: r.vendor}
	context.AfterFunc(ctx, p.die)
	r.t.Cleanup(cancel)
	ctx = context.WithValue(ctx, portKey{}, p)
	run, err := step.Begin(ctx, r.env(c, p), "CreateFrontend", fleet.RunInput{InstanceID: instanceID, OperationID: operationID, Epoch: l.epoch})
	return invocation{run, ctx, client{provider.Guard(c, p)}.resource(), p, cancel}, err
}

func (r *rig) env(c clock.Clock, p *port) step.Env {
	return step.Env{Clock: c, Store: store.New(p, c), Vault: r.vault, Executions: executions{}, Request: "request", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Nonce: func() string { return fmt.Sprintf("nonce-%d", r.nonces.Add(1)) }}
}

// executions are started and never seen again.
type executions struct{}

func (executions) Start(context.Context, string, string, any) error { return nil }

func (executions) Status(context.Context, string, string) (step.Execution, error) {
	return step.Open, nil
}

var errDead = errors.New("this invocation is dead")

type portKey struct{}

// port is what an invocation reaches the world through: its table and its vendor. Dead, it reaches neither; a hard kill runs
// no defers, and what its code still tries fails.
type port struct {
	life
	kill     context.CancelFunc
	deadline time.Time // the true time of its hard end
	table    table.Table
	vendor   http.RoundTripper

	mu   sync.Mutex
	over bool
	n    int
}

func (p *port) die() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.kill()
}

func (p *port) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// around does something, unless the invocation is dead, or dies right before or after it.
func (p *port) around(do func()) error {
	p.mu.Lock()
	p.n++
	now := p.n == p.diesAt
	p.mu.Unlock()
	if now && !p.after {
		p.die()
	}
	if p.dead() {
		return errDead
	}
	do()
	if now {
		p.die()
	}
	if p.dead() {
		return errDead
	}
	return nil
}

func (p *port) Get(ctx context.Context, key table.Key, consistent bool) (i table.Item, err error) {
	if dead := p.around(func() { i, err = p.table.Get(ctx, key, consistent) }); dead != nil {
		return table.Item{}, dead
	}
	return i, err
}

func (p *port) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	if dead := p.around(func() { page, err = p.table.Query(ctx, q) }); dead != nil {
		return table.Page{}, dead
	}
	return page, err
}

func (p *port) Write(ctx context.Context, writes []table.Write) (err error) {
	if dead := p.around(func() { err = p.table.Write(ctx, writes) }); dead != nil {
		return dead
	}
	return err
}

func (p *port) RoundTrip(r *http.Request) (a *http.Response, err error) {
	if dead := p.around(func() { a, err = p.vendor.RoundTrip(r) }); dead != nil {
		return nil, dead
	}
	return a, err
}

func (r *rig) wantLive(ids ...string) {
	r.t.Helper()
	if live := r.vendor.live(); !slices.Equal(live, ids) {
		r.t.Errorf("at the vendor are %q, want %q", live, ids)
	}
}

func (r *rig) wantSent(what string, n int) {
	r.t.Helper()
	if sent := r.vendor.sent(what); len(sent) != n {
		r.t.Errorf("%d calls of %s were sent, want %d: %v", len(sent), what, n, sent)
	}
}

// wantCode judges an error by its code; an empty one is success.
func (r *rig) wantCode(err error, code fault.Code) {
	r.t.Helper()
	switch {
	case code == "" && err != nil:
		r.t.Errorf("failed: %v", err)
	case code != "" && err == nil:
		r.t.Errorf("succeeded, want %s", code)
	case code != "" && fault.CodeOf(err) != code:
		r.t.Errorf("failed as %s (%v), want %s", fault.CodeOf(err), err, code)
	}
}

// wantCreated judges that the ledger has the resource, and the vendor that one only.
func (r *rig) wantCreated(id string) {
	r.t.Helper()
	r.wantLive(id)
	if e := r.entry(); e.Status != fleet.Created || e.ID != id || e.Attempt != nil {
		r.t.Errorf("the ledger says %+v, want %s created", e, id)
	}
}
