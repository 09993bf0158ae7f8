package intake

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/database"
	"github.com/project-gimbal/fleet/internal/steps/project"
	"github.com/project-gimbal/fleet/internal/store"
)

// Database puts the export's rows into the instance's database in one transaction, which notes it there: a replay finds that, and changes
// nothing. The export's administrator takes the place of the one that the provisioning made, in the ledger as well.
func Database(d Deps) step.Func {
	return importing(func(ctx context.Context, w *work) error {
		if w.at.Database == fleet.ImportDone {
			return nil
		}
		if err := w.tell(ctx); err != nil {
			return err
		}
		m, err := export.ReadManifest(ctx, w.files, w.at.Manifest)
		if err != nil {
			return err
		}
		in, err := d.plan(ctx, w)
		if err != nil {
			return err
		}
		first := w.at.Database == ""
		if err := w.note(ctx, func(_ *store.Tx, at *fleet.Import) error { at.Database = fleet.ImportBegun; return nil }); err != nil {
			return err
		}
		done, err := d.take(ctx, w, in, m)
		if err != nil {
			return errors.Join(err, w.undone(context.WithoutCancel(ctx), (first || done.Unnoted) && done.Administrators == nil, err))
		}
		return w.settle(ctx, in.Administrator, done)
	})
}

// tell has the audit of the export's instance, too, know of the import.
func (w *work) tell(ctx context.Context) error {
	return w.Store.Update(ctx, w.at.From, func(tx *store.Tx) error {
		tx.Audit(fleet.AuditEntry{ID: w.Operation.ID + "/export.imported/" + w.at.Export, Actor: w.at.By, Action: "export.imported", Subject: w.at.Export,
			Outcome: w.Instance.ID, Request: w.Request})
		return nil
	})
}

// plan is the import as this instance needs it.
func (d Deps) plan(ctx context.Context, w *work) (in export.Import, err error) {
	admin, err := w.administrator(ctx)
	if err != nil {
		return in, err
	}
	files, err := d.addresses(ctx, w)
	return export.Import{Source: w.files, Administrator: admin, Operation: w.Operation.ID, Files: files,
		Time: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return w.Clock.WithTimeout(ctx, w.until.Sub(w.Clock.Now()))
		}}, err
}

// administrator is the id of the user that the ledger holds.
func (w *work) administrator(ctx context.Context) (string, error) {
	entries, err := w.Store.Resources(ctx, w.Instance.ID)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Kind == fleet.AdminUser && e.Status == fleet.Created {
			return e.ID, nil
		}
	}
	return "", fault.New(fault.Conflict, "the ledger holds no administrator: the instance is not one that was provisioned whole")
}

// addresses are what the addresses of public files begin with, there and here. Where nobody knows any more what they were, they stay.
func (d Deps) addresses(ctx context.Context, w *work) (a export.Addresses, err error) {
	ours, err := project.Entry(ctx, w.Run)
	if err != nil {
		return a, err
	}
	theirs, err := w.Store.Resource(ctx, w.at.From, fleet.SupabaseProject, fleet.ResourceName(w.at.From))
	if err != nil || theirs == nil || theirs.ID == "" {
		return a, err
	}
	return export.Addresses{Theirs: w.Provider.Endpoints.PublicFiles(theirs.ID), Ours: w.Provider.Endpoints.PublicFiles(ours.ID)}, nil
}

// connected is a database that is reached by a connection of its own.
type connected interface{ Conn() *pgx.Conn }

// importsItself is a stand-in for a database.
type importsItself interface {
	Import(ctx context.Context, in export.Import, m export.Manifest) (export.Imported, error)
}

func (d Deps) take(ctx context.Context, w *work, in export.Import, m export.Manifest) (done export.Imported, err error) {
	err = database.Deps(d).In(ctx, w.Run, func(db schema.Database, ctx context.Context) (err error) {
		switch db := db.(type) {
		case connected:
			in.Conn = db.Conn()
			done, err = in.Run(ctx, m)
		case importsItself:
			done, err = db.Import(ctx, in, m)
		default:
			err = fault.New(fault.Internal, "nothing can be imported into the database")
		}
		return err
	})
	return done, err
}

// undone notes that nothing was imported, where that is sure: what ends for good was rolled back, and before is that no earlier invocation's
// is there.
func (w *work) undone(ctx context.Context, before bool, failed error) error {
	if !before || fault.CodeOf(failed).Transient() {
		return nil
	}
	return w.note(ctx, func(_ *store.Tx, at *fleet.Import) error { at.Database = ""; return nil })
}

// settle notes what was imported: the administrator of before is no more, and the export's is the instance's.
func (w *work) settle(ctx context.Context, before string, done export.Imported) error {
	after, err := w.imported(ctx, done.Administrators)
	if err != nil {
		return err
	}
	return w.note(ctx, func(tx *store.Tx, at *fleet.Import) error {
		if at.Database = fleet.ImportDone; !done.Before {
			at.Rows, at.WebhooksOff = done.Rows, done.WebhooksOff
		}
		tx.Audit(w.Audited("import.database", w.at.Export, "ok"))
		if before == after {
			return nil
		}
		old, err := tx.Resource(fleet.AdminUser, before)
		if err != nil || old == nil {
			return err
		}
		old.Status, old.RemovedAt, old.Epoch = fleet.Removed, tx.Now(), w.Input.Epoch
		tx.Audit(w.Audited("resource.removed", string(fleet.AdminUser)+"/"+before, "imported over"))
		tx.Audit(w.Audited("resource.created", string(fleet.AdminUser)+"/"+after, "imported"))
		return errors.Join(tx.PutResource(old), tx.PutResource(&fleet.Resource{Kind: fleet.AdminUser, Name: after, ID: after, Status: fleet.Created,
			Epoch: w.Input.Epoch, CreatedAt: tx.Now()}))
	})
}

// imported is the administrator that counts as the instance's: the one whom Fleet made for the export's instance, or else the first.
func (w *work) imported(ctx context.Context, administrators []string) (string, error) {
	if len(administrators) == 0 {
		return "", fault.New(fault.Internal, "the imported database has no administrator")
	}
	theirs, err := w.Store.ResourcesOf(ctx, w.at.From, fleet.AdminUser)
	for _, e := range theirs {
		if slices.Contains(administrators, e.ID) {
			return e.ID, err
		}
	}
	return administrators[0], err
}
