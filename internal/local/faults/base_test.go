//go:build faults

package faults_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

const (
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	linkSecret = "a-secret-of-more-than-thirty-two-bytes"
)

// base is the fleet in which every run begins: one instance is ACTIVE already, the neighbour, whom nothing may touch.
type base struct {
	key       tink.AEADWithContext
	at        time.Time
	table     []byte            // the file
	vendors   map[string][]byte // their states, by name
	neighbour string
	records   string // the neighbour's, as JSON
	// wish is the operation that runs begin with, on the subject: one more instance, which is as its operation needs it; empty for the
	// provisioning of one. live are the vendors' states when the subject was last ACTIVE.
	wish    fleet.OperationKind
	subject string
	live    map[string][]byte
	mails   int             // that were sent
	held    map[string]bool // what the vendors hold, by kind and id
	// end is the part of the subject's end that runs play; nil for what is no end. What follows is the fleet's in which they begin: the
	// files of the stores, by name, the calendar, the databases, and what the vendors have of the neighbour's, by name.
	end       *part
	files     map[string]files
	calendar  map[string]time.Time
	holds     map[string]bool // what the vendors hold of the subject's, by kind and name
	databases *memory.Store
	theirs    map[string][]string
}

// newBase provisions the neighbour.
func newBase(t *testing.T) *base {
	t.Helper()
	key, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	return (&base{key: key, vendors: map[string][]byte{}}).after(t, fleet.Active, func(r *run) (id string, err error) {
		if id, err = r.provision("neighbour"); err == nil {
			r.base.neighbour, err = id, r.finish(id)
		}
		return id, err
	})
}

// suspending is a base in which a suspension of its subject begins, resuming one in which a resumption does.
func (b *base) suspending(t *testing.T) *base {
	t.Helper()
	next := b.after(t, fleet.Active, func(r *run) (id string, err error) {
		if id, err = r.provision("acme-dental"); err == nil {
			err = r.finish(id)
		}
		return id, err
	})
	next.wish, next.live = fleet.Suspend, next.vendors
	return next
}

func (b *base) resuming(t *testing.T) *base {
	t.Helper()
	next := b.after(t, fleet.Suspended, func(r *run) (string, error) { return b.subject, r.switches(b.wish) })
	next.wish, next.live = fleet.Resume, b.live
	return next
}

// switching are the workflows that switch an instance off and on: a suspension, a resumption, and what undoes a suspension.
func (b *base) switching(t *testing.T) []*workflow {
	t.Helper()
	active := b.suspending(t)
	undo := active.record(t, "resume", "A", refused())
	undo.name = "undo"
	return []*workflow{active.record(t, "suspend", "S", nil), active.resuming(t).record(t, "resume", "A", nil), undo}
}

// after is the base in which what is done in b was done: in the end the instance that it was done to is in that state.
func (b *base) after(t *testing.T, state fleet.State, do func(r *run) (id string, err error)) *base {
	t.Helper()
	next := *b
	next.vendors = map[string][]byte{}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, err := open(t.Context(), dir, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.base = &next
		if b.databases != nil {
			r.databases = b.databases // whatever is provisioned is added to them
		}
		if next.subject, err = do(r); err != nil {
			t.Fatal(err)
		}
		if i, err := r.w.Store.Instance(r.ctx, next.subject); err != nil || i.State != state {
			t.Fatalf("it is %+v, %v", i, err)
		}
		time.Sleep(time.Minute) // whatever lags shows
		for _, v := range r.w.Vendors.All() {
			if next.vendors[v.Name()], err = v.Save(); err != nil {
				t.Fatal(err)
			}
		}
		if next.records, err = r.records(next.neighbour); err != nil {
			t.Fatal(err)
		}
		r.settled(nil)
		next.at, next.calendar, next.databases, next.holds = time.Now(), r.w.Calendar(), r.databases, r.has
		if next.files, err = r.stored(); err != nil {
			t.Fatal(err)
		}
		if b.held == nil { // there was no neighbour yet
			next.theirs = r.elements()
			next.held, next.mails = r.heldNow(), len(r.w.Vendors.SendGrid.Sent())
		}
		r.close()
	})
	var err error
	if next.table, err = os.ReadFile(filepath.Join(dir, tableFile)); err != nil {
		t.Fatal(err)
	}
	return &next
}

const tableFile = "fleet.db"

// options are a world's with fast vendors, so that what is polled for is polled a few times only: one poll is like another.
func (b *base) options(dir string) (o world.Options, closes func(), err error) {
	c := clock.System()
	var opened []*bolt.Table
	open := func(bucket string, indexes []string) *bolt.Table {
		var table *bolt.Table
		if err == nil {
			if table, err = bolt.Open(filepath.Join(dir, tableFile), c, indexes, bolt.Options{Bucket: bucket}); err == nil {
				opened = append(opened, table)
			}
		}
		return table
	}
	o = world.Options{Clock: c, Seed: 7, Table: open("fleet", store.Indexes()), Keys: open("keys", nil), KeyEncryptionKey: b.key,
		Credentials: map[string]string{
			provider.SupabaseToken: "sbp_0123456789", provider.VercelToken: "vercel-token", provider.CloudflareToken: "cloudflare-token",
			provider.TwilioToken: "f0e1d2c3b4a5968778695a4b3c2d1e0f", provider.SendGridKey: "SG.fleet.key",
			step.WebhookSecret: hookSecret, step.OperatorToken: "operator", step.LinkSecret: linkSecret,
		},
		Slots: 2, Databases: supabase.NoDatabases{}, DatabaseURL: "postgres://db.{ref}.supabase.test:5432/postgres",
		Latency: world.Latency{Answer: 300 * time.Millisecond, Lag: 2 * time.Second, ProjectMin: 4 * time.Second, ProjectMax: 5 * time.Second,
			Healthy: time.Second, Going: 2 * time.Second,
			Deploy: vercel.Span{Min: 3 * time.Second, Max: 4 * time.Second}, Certificate: vercel.Span{Min: 2 * time.Second, Max: 3 * time.Second}},
		Skew:    bounds.Skew,
		ReadLog: func() (io.ReadCloser, error) { return nil, os.ErrNotExist }} // no log is kept: nobody reads it
	if err == nil {
		o.Release, err = events.Release()
	}
	return o, func() {
		for _, t := range opened {
			_ = t.Close() // the file is thrown away
		}
	}, err
}
