// Package export makes a copy of all that an instance holds, for its customer: the database, the files of Storage, the
// configuration, and a manifest that vouches for them.
package export

import (
	"context"
	"errors"
	"time"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/database"
	"github.com/project-gimbal/fleet/internal/steps/project"
	"github.com/project-gimbal/fleet/internal/store"
)

// Names of files that every export has, besides those of its database.
const (
	MediaName         = "media.tar"
	ConfigurationName = "configuration.json"
)

// Deps is what these steps use.
type Deps struct {
	Projects *supabase.Client
	// DatabasePart and MediaPart are how large a part of a file is, in bytes. The memory of a step is some of them.
	DatabasePart, MediaPart int
}

// Open makes the client.
func Open(env step.Env) (Deps, error) {
	return Deps{Projects: supabase.New(env.Provider), DatabasePart: export.PartSize, MediaPart: 16 << 20}, nil
}

// more is the fault of a step that is not done: the state machine invokes it again, and it goes on.
func more(what string) error { return fault.New(fault.NotReady, "%s is not all written yet", what) }

// work is an export as one invocation writes it, alone.
type work struct {
	*step.Run
	export fleet.Export
	nonce  string
	files  *files
	until  time.Time
	// progress is how far the step is.
	progress fleet.ExportProgress
}

// writing lets one invocation at a time write a step's files. Where another one may still be at it, which timed out or died, it is
// NotReady until that one can't act any more. What is written goes on from the step's note. A failure for good is noted on the export.
func writing(note string, do func(ctx context.Context, w *work) error) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		w := &work{Run: run, nonce: run.Nonce(), until: run.Until(ctx), progress: fleet.ExportProgress{Step: note}}
		if err := w.begin(ctx); err != nil {
			return err
		}
		w.files = &files{store: run.Exports, folder: w.export.Folder, notes: fleet.ProgressFolder + w.export.Folder + note}
		failed := do(ctx, w)
		return errors.Join(failed, w.end(context.WithoutCancel(ctx), failed))
	}
}

// begin makes the invocation the export's writer.
func (w *work) begin(ctx context.Context) error {
	if err := w.Overdue(); err != nil {
		return errors.Join(err, w.end(ctx, err))
	}
	return w.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Export(w.Operation.ID)
		if err != nil {
			return err
		}
		if e == nil {
			purpose := fleet.PurposeOf(w.Operation.Kind)
			e = &fleet.Export{ID: w.Operation.ID, InstanceID: w.Instance.ID, Purpose: purpose, Status: fleet.ExportMaking,
				Folder: purpose.Folder(w.Instance.ID, w.Operation.ID), BegunAt: tx.Now()}
			tx.Audit(w.Audited("export.begun", e.ID, string(e.Purpose)))
		}
		switch {
		case e.Status == fleet.ExportFailed:
			return fault.New(fault.Conflict, "the export failed: %s", e.Failure)
		case e.Writer != nil && e.Writer.Nonce != w.nonce && tx.Now().Before(e.Writer.Until):
			return fault.New(fault.NotReady, "another invocation may still write the export")
		}
		e.Writer = &fleet.ExportWriter{Nonce: w.nonce, Until: step.Deadline(ctx, w.Clock).Add(bounds.Quiet + bounds.Margin)}
		if e.Progress != nil && e.Progress.Step == w.progress.Step {
			w.progress = *e.Progress
		}
		e.Progress = &w.progress
		w.export = *e
		return tx.PutExport(e)
	})
}

// end lets the next invocation write. What a failed one sent to the store may still land a while.
func (w *work) end(ctx context.Context, failed error) error {
	code := fault.CodeOf(failed)
	return w.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Export(w.Operation.ID)
		if err != nil || e == nil {
			return err
		}
		if e.Writer != nil && e.Writer.Nonce == w.nonce {
			if e.Writer = nil; failed != nil && code != fault.NotReady {
				e.Writer = &fleet.ExportWriter{Nonce: w.nonce, Until: tx.Now().Add(bounds.Quiet + bounds.Margin)}
			}
		}
		if failed != nil && !code.Transient() && e.Status != fleet.ExportVerified && e.Status != fleet.ExportFailed {
			e.Status, e.Failure = fleet.ExportFailed, w.Name+": "+step.SafeText(failed)
			tx.Audit(w.Audited("export.failed", e.ID, string(code)))
		}
		if e.Progress = &w.progress; e.Status == fleet.ExportVerified || e.Status == fleet.ExportFailed {
			e.Progress = nil
		}
		return tx.PutExport(e)
	})
}

// change writes the export's record, as its writer.
func (w *work) change(ctx context.Context, change func(tx *store.Tx, e *fleet.Export) error) error {
	return w.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Export(w.Operation.ID)
		if err != nil {
			return err
		}
		if e == nil || e.Writer == nil || e.Writer.Nonce != w.nonce {
			return fault.New(fault.NotReady, "another invocation writes the export")
		}
		if err := change(tx, e); err != nil {
			return err
		}
		return tx.PutExport(e)
	})
}

// Database writes the database's files. A replay goes on behind the last part that was stored.
func Database(d Deps) step.Func {
	return writing("database", func(ctx context.Context, w *work) error {
		var from dumped
		if err := w.files.recall(ctx, &from); err != nil || from.Checkpoint.Done {
			return err
		}
		w.files.tags = from.Tags
		return d.dump(ctx, w, from.Checkpoint)
	})
}

// dumped is how far the database's files are.
type dumped struct {
	Checkpoint export.Checkpoint `json:"checkpoint"`
	Tags       tags              `json:"tags"`
}

// written are the files that are done, and the bytes of all.
func written(c export.Checkpoint) (files, size int64) {
	for _, f := range c.Files {
		size += f.Bytes
	}
	if c.Open != nil {
		size += c.Open.Bytes
	}
	return int64(len(c.Files)), size
}

func (d Deps) dump(ctx context.Context, w *work, from export.Checkpoint) error {
	reached := false
	err := database.Deps{Projects: d.Projects}.In(ctx, w.Run, func(db schema.Database, ctx context.Context) error {
		reached = true
		e := export.Export{Sink: w.files, Clock: w.Clock, PartSize: d.DatabasePart, Saved: func(ctx context.Context, c export.Checkpoint) error {
			return w.files.note(ctx, dumped{c, w.files.tags})
		}}
		c, err := read(ctx, db, e, from, w.until)
		if err != nil {
			return err
		}
		w.progress.Files, w.progress.Bytes = written(c)
		if err := w.files.note(ctx, dumped{c, w.files.tags}); err != nil {
			return err
		}
		if !c.Done {
			return more("the database")
		}
		return nil
	})
	if err == nil || reached {
		return err
	}
	if gone := d.sourceless(ctx, w); gone != nil {
		return gone
	}
	return err
}

// sourceless is a Conflict, which the export's record tells too, where the project is gone whose database can't be reached.
func (d Deps) sourceless(ctx context.Context, w *work) error {
	gone, err := w.Absent(ctx, project.Deps{Projects: d.Projects}.Resource(w.Run, fleet.ResourceName(w.Instance.ID)))
	if err != nil || !gone {
		return err
	}
	err = w.change(ctx, func(_ *store.Tx, e *fleet.Export) error {
		e.Sourceless = true
		return nil
	})
	return errors.Join(err, fault.New(fault.Conflict, "the Supabase project is gone: somebody has removed it at the vendor"))
}
