package termination

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/history"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
)

// ArchiveAudit verifies the instance's whole audit chain and writes it into the archive, once everything is deleted: a line of JSON for
// each entry, and one with the chain's head. A broken chain is a Conflict, and stops every termination of the fleet. A replay finds
// the archive told.
func ArchiveAudit(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if err := cleared(ctx, run); err != nil || run.Instance.Decommission.Archived != nil {
			return err
		}
		archived, err := archive(ctx, run)
		if err != nil {
			return err
		}
		return prove(ctx, run, "audit.archived", archived.Head.Hash, func(tx *store.Tx, d *fleet.Decommission) {
			if d.Archived == nil {
				archived.At = tx.Now()
				d.Archived = &archived
			}
		})
	}
}

// archive writes the audit chain as it is into the archive, once for each head.
func archive(ctx context.Context, run *step.Run) (a fleet.Archived, err error) {
	entries, head, err := run.Store.Audit(ctx, run.Instance.ID)
	if err != nil {
		return a, err
	}
	for len(entries) > 0 && entries[len(entries)-1].Seq > head.Seq { // added since the head was read
		entries = entries[:len(entries)-1]
	}
	if err := fleet.VerifyChain(entries, head); err != nil {
		return a, errors.Join(operation.StopTerminations(ctx, run.Env, "the audit chain of "+run.Instance.ID+" is broken"),
			fault.New(fault.Conflict, "%s", err.Error()))
	}
	text, err := lines(entries, head)
	if err != nil {
		return a, err
	}
	a = fleet.Archived{Key: fmt.Sprintf("audit/%s/%d.jsonl", run.Instance.ID, head.Seq), Head: head, SHA256: sum(text)}
	if err := run.Archive.PutOnce(ctx, a.Key, text); err != nil && !errors.Is(err, objects.ErrExists) {
		return a, err
	}
	return a, nil
}

// lines is a chain as JSON lines, its head last.
func lines(entries []fleet.AuditEntry, head fleet.AuditHead) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for _, e := range entries {
		if err := encoder.Encode(e); err != nil {
			return nil, &fault.Error{Code: fault.Internal, Text: "an audit entry does not encode", Err: err}
		}
	}
	err := encoder.Encode(map[string]fleet.AuditHead{"head": head})
	return out.Bytes(), err
}

// IssueCertificate writes the certificate into the archive, as JSON and as a page, from the ledger and the records alone. One that is
// there already stays: it is issued once. Before, how the instance was set up goes into the history, which the certificate tells of.
func IssueCertificate(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if err := cleared(ctx, run); err != nil || run.Instance.Decommission.Certificate != nil {
			return err
		}
		if run.Instance.Decommission.Archived == nil {
			return fault.New(fault.Conflict, "the audit chain is not archived")
		}
		if err := remember(ctx, run); err != nil {
			return err
		}
		entries, err := run.Store.Resources(ctx, run.Instance.ID)
		if err != nil {
			return err
		}
		text, page, err := certify(run.Instance, entries).documents()
		if err != nil {
			return err
		}
		folder := "certificates/" + run.Instance.ID + "/"
		issued := fleet.Certificate{Key: folder + "certificate.json", Page: folder + "certificate.html"}
		for key, body := range map[string][]byte{issued.Key: text, issued.Page: page} {
			if err := run.Archive.PutOnce(ctx, key, body); err != nil && !errors.Is(err, objects.ErrExists) {
				return err
			}
		}
		if text, err = kept(ctx, run.Env, issued.Key); err != nil {
			return err
		}
		issued.SHA256 = sum(text)
		return prove(ctx, run, "certificate.issued", issued.SHA256, func(tx *store.Tx, d *fleet.Decommission) {
			if d.Certificate == nil {
				issued.At = tx.Now()
				d.Certificate = &issued
			}
		})
	}
}

// remember keeps how the instance was set up when it ended.
func remember(ctx context.Context, run *step.Run) error {
	text, err := history.Configuration(run.Instance, run.Signup)
	if err != nil {
		return err
	}
	return history.Keep(ctx, run.Env, run.Instance.ID, run.Instance.TerminatedAt, text)
}

// DestroyKey destroys the instance's data key, the last thing of a termination: its credentials and its people's data are unreadable
// from then on. Then it archives the audit chain once more, which tells of it: what is left to be added is that this was done, and that the
// operation has ended.
func DestroyKey(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if err := cleared(ctx, run); err != nil {
			return err
		}
		if run.Instance.Decommission.Certificate == nil {
			return fault.New(fault.Conflict, "the certificate is not issued")
		}
		if err := run.Vault.Destroy(ctx, run.Instance.ID); err != nil {
			return err
		}
		err := prove(ctx, run, "key.destroyed", "ok", func(tx *store.Tx, d *fleet.Decommission) {
			if d.KeyDestroyedAt.IsZero() {
				d.KeyDestroyedAt = tx.Now()
			}
		})
		if err != nil || run.Instance.Decommission.Sealed != nil {
			return err
		}
		sealed, err := archive(ctx, run)
		if err != nil {
			return err
		}
		return prove(ctx, run, "audit.sealed", sealed.Head.Hash, func(tx *store.Tx, d *fleet.Decommission) {
			if d.Sealed == nil {
				sealed.At = tx.Now()
				d.Sealed = &sealed
			}
		})
	}
}

// cleared is a Conflict unless the instance is TERMINATED by a decommission, and its ledger says that all is gone.
func cleared(ctx context.Context, run *step.Run) error {
	if run.Instance.State != fleet.Terminated || !run.Instance.Decommission.Open() {
		return fault.New(fault.Conflict, "the instance is %s", run.Instance.State)
	}
	entries, err := run.Store.Resources(ctx, run.Instance.ID)
	if err != nil {
		return err
	}
	if left := fleet.Left(entries); len(left) > 0 {
		return fault.New(fault.Conflict, "there still is a %s", left[0])
	}
	return run.Update(ctx, func(*store.Tx) error { return nil })
}

// prove writes a part of the proof, with its audit entry.
func prove(ctx context.Context, run *step.Run, action, outcome string, write func(tx *store.Tx, d *fleet.Decommission)) error {
	return run.Update(ctx, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		d := *instance.Decommission
		write(tx, &d)
		instance.Decommission = &d
		tx.Audit(run.Audited(action, "instance", outcome))
		return tx.PutInstance(instance)
	})
}
