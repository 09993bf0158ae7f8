package export_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
)

// committing calls do as a connection commits.
type committing struct{ do func() }

func (c *committing) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	if strings.EqualFold(d.SQL, "commit") && c.do != nil {
		c.do()
	}
	return ctx
}

func (*committing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// beside connects as the same role once more.
func beside(t *testing.T, owner *pgx.Conn, change func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	config := owner.Config()
	change(config)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// deaf is a connection that is gone as soon as anything is to be read.
type deaf struct {
	net.Conn
	gone *atomic.Bool
}

func (d deaf) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if d.gone.Load() {
		return 0, net.ErrClosed
	}
	return n, err
}

// TestImportWhoseCommitIsUnanswered: where the time ends and the answer is lost while it commits, nobody knows: a replay finds the note.
func TestImportWhoseCommitIsUnanswered(t *testing.T) {
	dir, m, _ := exported(t)
	owner, _ := provisioned(t)
	var gone atomic.Bool
	var cancel context.CancelFunc
	cut := &committing{}
	conn := beside(t, owner, func(c *pgx.ConnConfig) {
		dial := c.DialFunc
		c.Tracer, c.DialFunc = cut, func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return deaf{conn, &gone}, err
		}
	})
	in := export.Import{Conn: conn, Source: export.Directory(dir), Administrator: ours, Operation: job,
		Time: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel = context.WithCancel(ctx)
			cut.do = func() { gone.Store(true); cancel() }
			return ctx, cancel
		}}
	if done, err := in.Run(t.Context(), m); !fault.Is(err, fault.Unavailable) || done.Unnoted {
		t.Errorf("%+v, %v", done, why(err))
	}
	in.Conn = owner
	if again, err := in.Run(t.Context(), m); err != nil || !again.Before || len(again.Administrators) != 1 {
		t.Errorf("asked again: %+v, %v", again, why(err))
	}
}

// TestImportWhileAnotherCommits: one that begins while the commit of the one before is under way waits for that, and finds its note.
func TestImportWhileAnotherCommits(t *testing.T) {
	dir, m, _ := exported(t)
	owner, super := provisioned(t)
	slow := &committing{}
	in := export.Import{Source: export.Directory(dir), Administrator: ours, Operation: job}
	first, second := in, in
	first.Conn, second.Conn = beside(t, owner, func(c *pgx.ConnConfig) { c.Tracer = slow }), owner
	type result struct {
		done export.Imported
		err  error
	}
	results := make(chan result, 1)
	first.Time = func(ctx context.Context) (context.Context, context.CancelFunc) {
		slow.do = func() {
			go func() {
				done, err := second.Run(t.Context(), m)
				results <- result{done, err}
			}()
			for one[int](t, super, "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		return context.WithCancel(ctx)
	}
	if _, err := first.Run(t.Context(), m); err != nil {
		t.Fatal(why(err))
	}
	if r := <-results; r.err != nil || !r.done.Before {
		t.Errorf("%+v, %v", r.done, why(r.err))
	}
}
