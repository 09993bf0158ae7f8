// Package intake imports exports: it puts into a fresh instance what another one held, or one that is no more.
package intake

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these steps use.
type Deps struct{ Projects *supabase.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{supabase.New(env.Provider)}, nil }

// work is an import as one invocation does it, alone.
type work struct {
	*step.Run
	at    fleet.Import
	nonce string
	until time.Time
	files source
}

// importing lets one invocation at a time import. Where another one may still be at it, which timed out or died, it is NotReady until
// that one can't act any more: what this one then sends to the vendor is the only thing that can land. A failure for good is noted.
func importing(do func(ctx context.Context, w *work) error) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		w := &work{Run: run, nonce: run.Nonce(), until: run.Until(ctx)}
		if err := w.begin(ctx); err != nil {
			return err
		}
		w.files = source{run.Exports, w.at.Folder}
		failed := do(ctx, w)
		return errors.Join(failed, w.end(context.WithoutCancel(ctx), failed))
	}
}

// begin makes the invocation the one that imports.
func (w *work) begin(ctx context.Context) error {
	if err := w.Overdue(); err != nil {
		return errors.Join(err, w.end(ctx, err))
	}
	return w.update(ctx, func(tx *store.Tx, at *fleet.Import) error {
		if at.Writer != nil && at.Writer.Nonce != w.nonce && tx.Now().Before(at.Writer.Until) {
			return fault.New(fault.NotReady, "another invocation may still import")
		}
		at.Writer = &fleet.ExportWriter{Nonce: w.nonce, Until: step.Deadline(ctx, w.Clock).Add(bounds.Quiet + bounds.Margin)}
		at.Failure = ""
		return nil
	})
}

// end lets the next invocation import. What a failed one sent may still land a while.
func (w *work) end(ctx context.Context, failed error) error {
	code := fault.CodeOf(failed)
	return w.update(ctx, func(tx *store.Tx, at *fleet.Import) error {
		if at.Writer != nil && at.Writer.Nonce == w.nonce {
			if at.Writer = nil; failed != nil && code != fault.NotReady {
				at.Writer = &fleet.ExportWriter{Nonce: w.nonce, Until: tx.Now().Add(bounds.Quiet + bounds.Margin)}
			}
		}
		if failed != nil && !code.Transient() {
			at.Failure = w.Name + ": " + step.SafeText(failed)
			tx.Audit(w.Audited("import.failed", w.Operation.Execution(), string(code)))
		}
		return nil
	})
}

// note writes how far the import is, as the invocation that does it.
func (w *work) note(ctx context.Context, change func(tx *store.Tx, at *fleet.Import) error) error {
	return w.update(ctx, func(tx *store.Tx, at *fleet.Import) error {
		if at.Writer == nil || at.Writer.Nonce != w.nonce {
			return fault.New(fault.NotReady, "another invocation imports")
		}
		return change(tx, at)
	})
}

func (w *work) update(ctx context.Context, change func(tx *store.Tx, at *fleet.Import) error) error {
	return w.Update(ctx, func(tx *store.Tx) error {
		o, err := tx.Operation(w.Operation.ID)
		if err != nil {
			return err
		}
		if o == nil || o.Import == nil {
			return fault.New(fault.Internal, "the operation imports nothing")
		}
		at := *o.Import
		if err := change(tx, &at); err != nil {
			return err
		}
		o.Import, w.at = &at, at
		return tx.PutOperation(o)
	})
}

// source is an export's files.
type source struct {
	store  objects.Store
	folder string
}

var _ export.Source = source{}

// Open is export.Source's.
func (s source) Open(ctx context.Context, file string) (io.ReadCloser, error) {
	return s.read(ctx, file, 0)
}

func (s source) read(ctx context.Context, file string, offset int64) (io.ReadCloser, error) {
	r, err := s.store.Read(ctx, fleet.ExportKey(s.folder, file), offset)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Rejected, "the export's file %s is not there any more", file)
	}
	return r, err
}
