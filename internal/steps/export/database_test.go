package export_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	steps "github.com/project-gimbal/fleet/internal/steps/export"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const instanceID = "80a3f6ff-ef7d-5468-80f5-d24647091906"

// ahead is a clock that a test sets ahead.
type ahead struct {
	clock.Clock
	by atomic.Int64
}

func (a *ahead) Now() time.Time { return a.Clock.Now().Add(time.Duration(a.by.Load())) }

func (a *ahead) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, a.Now().Add(d))
}

// slow is a store that takes its time for each part.
type slow struct {
	objects.Store
	clock *ahead
	takes time.Duration
}

func (s *slow) Part(ctx context.Context, key, upload string, number int, body []byte) (objects.Part, error) {
	s.clock.by.Add(int64(s.takes))
	return s.Store.Part(ctx, key, upload, number, body)
}

// rig is one instance with a database of its own, and an operation that exports it.
type rig struct {
	t     *testing.T
	clock *ahead
	files *slow
	env   step.Env
	deps  steps.Deps
	in    fleet.RunInput
}

func newRig(t *testing.T, files objects.Store) (*rig, *pgx.Conn) {
	t.Helper()
	_, url := postgrestest.Project(t)
	r := &rig{t: t, clock: &ahead{Clock: clock.System()}}
	r.files = &slow{Store: files, clock: r.clock}
	open := func(bucket string) *bolt.Table {
		b, err := bolt.Open(filepath.Join(t.TempDir(), "fleet.db"), r.clock, store.Indexes(), bolt.Options{Bucket: bucket})
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
	r.env = step.Env{Clock: r.clock, Store: store.New(open("fleet"), r.clock), Vault: seal.New(open("keys"), kek), Exports: r.files, History: &objects.Memory{},
		Databases: func(ctx context.Context, _ provider.Secret) (schema.Database, error) { return schema.Open(ctx, url) },
		Nonce:     uuid.NewString, Log: slog.New(slog.DiscardHandler)}
	r.deps = steps.Deps{Projects: supabase.New(provider.Config{Clock: r.clock, Endpoints: provider.Production()}), DatabasePart: objects.MinPart, MediaPart: objects.MinPart}
	r.in = fleet.RunInput{InstanceID: instanceID, OperationID: fleet.NewOperationID(fleet.MakeExport, instanceID, 1), Epoch: 1}
	r.seed()
	owner, err := pgx.Connect(t.Context(), url.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	if _, err := schema.Apply(t.Context(), owner, schema.All()); err != nil {
		t.Fatal(err)
	}
	return r, owner
}

func (r *rig) seed() {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.env.Vault.Mint(ctx, instanceID); err != nil {
		r.t.Fatal(err)
	}
	password, err := r.env.Vault.Seal(ctx, instanceID, "secret/"+fleet.DatabasePassword, []byte("password"))
	if err != nil {
		r.t.Fatal(err)
	}
	err = r.env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		_, moved := tx.MoveEpoch(0)
		progress := fleet.Progress{Deadline: tx.Now().Add(bounds.Export)}
		return errors.Join(moved, tx.PutSignup(&fleet.Signup{InstanceID: instanceID, Slug: "acme", Status: fleet.Completed}),
			tx.PutInstance(&fleet.Instance{ID: instanceID, Slug: "acme", State: fleet.Active, Operation: r.in.OperationID, Progress: progress}),
			tx.PutOperation(&fleet.Operation{ID: r.in.OperationID, InstanceID: instanceID, Kind: fleet.MakeExport, Phase: fleet.Exporting, N: 1, Epoch: 1, Progress: progress}),
			tx.PutResource(&fleet.Resource{Kind: fleet.SupabaseProject, Name: fleet.ResourceName(instanceID), ID: "abcdefghijklmnopqrst", Status: fleet.Created,
				Attributes: map[string]string{fleet.DatabaseHost: "127.0.0.1", fleet.DatabaseUser: "postgres"}}),
			tx.PutSecret(fleet.DatabasePassword, password))
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// invoke makes one invocation of a step.
func (r *rig) invoke(f step.Func) error {
	ctx, cancel := r.clock.WithTimeout(r.t.Context(), 14*time.Minute)
	defer cancel()
	run, err := step.Begin(ctx, r.env, "Export", r.in)
	if err != nil {
		return err
	}
	return f(ctx, run)
}

// all invokes a step until it is done, and gives how often that was.
func (r *rig) all(f step.Func) (invocations int) {
	r.t.Helper()
	for {
		invocations++
		err := r.invoke(f)
		if err == nil {
			return invocations
		}
		if !fault.Is(err, fault.NotReady) {
			r.t.Fatalf("invocation %d: %v", invocations, err)
		}
	}
}

// filled is a table of 24 MB.
const filled = `create table public.bulk (id int primary key, text text not null);
	insert into public.bulk select n, repeat(md5(n::text), 32) from generate_series(1, 24000) n;`

// TestDatabaseOverSeveralInvocations: what several invocations write of a database that stands still is to the byte what one does.
func TestDatabaseOverSeveralInvocations(t *testing.T) {
	files := objects.Dir{Root: t.TempDir()}
	r, owner := newRig(t, files)
	if _, err := owner.PgConn().Exec(t.Context(), filled).ReadAll(); err != nil {
		t.Fatal(err)
	}
	r.files.takes = 5 * time.Minute
	if n := r.all(steps.Database(r.deps)); n < 3 {
		t.Errorf("it took %d invocations", n)
	}
	if err := r.invoke(steps.Database(r.deps)); err != nil {
		t.Errorf("again: %v", err)
	}
	dir := t.TempDir()
	once := export.Export{Conn: owner, Sink: export.Directory(dir), Clock: clock.System()}
	c, err := once.Run(t.Context(), export.Checkpoint{}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		want, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			t.Fatal(err)
		}
		if got := objectstest.Content(t, files, fleet.ExportKey(fleet.OnRequest.Folder(instanceID, r.in.OperationID), f.Name), 0); !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, not %d", f.Name, len(got), len(want))
		}
	}
	x, err := r.env.Store.Export(t.Context(), instanceID, r.in.OperationID)
	if err != nil || x.Writer != nil || x.Status != fleet.ExportMaking {
		t.Errorf("%+v, %v", x, err)
	}
}

// TestDatabaseWithinMemory: however large a table, the heap stays within what a function may have.
func TestDatabaseWithinMemory(t *testing.T) {
	r, owner := newRig(t, objects.Dir{Root: t.TempDir()})
	if _, err := owner.PgConn().Exec(t.Context(), filled).ReadAll(); err != nil {
		t.Fatal(err)
	}
	r.deps.DatabasePart = export.PartSize
	most := watched{done: make(chan struct{}), most: make(chan uint64)}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	go most.watch()
	r.all(steps.Database(r.deps))
	close(most.done)
	if used := int64(<-most.most) - int64(before.HeapInuse); used > 64<<20 {
		t.Errorf("it took %d MB", used>>20)
	}
}

// watched is how much heap was in use at most.
type watched struct {
	done chan struct{}
	most chan uint64
}

func (w watched) watch() {
	var most uint64
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-w.done:
			tick.Stop()
			w.most <- most
			return
		case <-tick.C:
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
		}
	}
}

// TestOneWritesAtATime: an invocation that may still write keeps others from it, until it can't act any more.
func TestOneWritesAtATime(t *testing.T) {
	r, _ := newRig(t, &objects.Memory{})
	at := r.clock.Now().Add(time.Hour)
	err := r.env.Store.Update(t.Context(), instanceID, func(tx *store.Tx) error {
		return tx.PutExport(&fleet.Export{ID: r.in.OperationID, InstanceID: instanceID, Status: fleet.ExportMaking, Folder: fleet.OnRequest.Folder(instanceID, r.in.OperationID),
			Writer: &fleet.ExportWriter{Nonce: "another", Until: at}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.invoke(steps.Configuration(r.deps)); !fault.Is(err, fault.NotReady) {
		t.Errorf("meanwhile: %v", err)
	}
	r.clock.by.Add(int64(time.Hour))
	if err := r.invoke(steps.Configuration(r.deps)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestNothingIsSealedThatIsNotWhole: neither does a step begin before its turn, nor after the export has failed.
func TestNothingIsSealedThatIsNotWhole(t *testing.T) {
	r, _ := newRig(t, &objects.Memory{})
	if err := r.invoke(steps.Configuration(r.deps)); err != nil {
		t.Fatal(err)
	}
	if err := r.invoke(steps.Seal(r.deps)); !fault.Is(err, fault.Conflict) {
		t.Errorf("without database and media: %v", err)
	}
	x, err := r.env.Store.Export(t.Context(), instanceID, r.in.OperationID)
	if err != nil || x.Status != fleet.ExportFailed || x.Failure == "" {
		t.Errorf("%+v, %v", x, err)
	}
	if err := r.invoke(steps.Verify(r.deps)); !fault.Is(err, fault.Conflict) {
		t.Errorf("of a failed one: %v", err)
	}
}

// TestKey: a file's key is its name, but for letters that keys may not have.
func TestKey(t *testing.T) {
	for name, want := range map[string]string{"csv/public.a%20b.csv": "f/csv/public.a%20b.csv", "csv/public.größe.csv": "f/csv/public.gr%C3%B6%C3%9Fe.csv"} {
		if got := fleet.ExportKey("f/", name); got != want || objects.CheckKey(got) != nil {
			t.Errorf("%s is kept as %s", name, got)
		}
	}
}
