// Package termination ends instances for good: it confirms that this one may end, marks it, and proves afterwards what became of it.
package termination

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these steps use: the store, the exports, the archive and the vault, all of the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Confirm checks once more all that a termination needs, and that the final export is there as it was verified. What bars it is an
// incident, and a Conflict; an export that is not what it was stops every termination of the fleet.
func Confirm(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if run.Instance.State == fleet.Terminated {
			return nil // the mark is made already
		}
		if err := run.Overdue(); err != nil {
			return err
		}
		if err := barred(ctx, run); err != nil {
			return err
		}
		wrong, err := compare(ctx, run, *run.Instance.Decommission.FinalExport)
		if err != nil || wrong == "" {
			return err
		}
		reason := "the final export of " + run.Instance.ID + " is not as it was verified: " + wrong
		if err := operation.StopTerminations(ctx, run.Env, reason); err != nil {
			return err
		}
		if err := barred(ctx, run); err != nil { // by that very freeze, which an incident tells
			return err
		}
		return fault.New(fault.Conflict, "%s", reason)
	}
}

func barred(ctx context.Context, run *step.Run) error {
	var barrier *operation.Barrier
	err := run.Update(ctx, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if barrier, err = operation.Barred(tx, *instance, run.Settings); err != nil {
			return err
		}
		return operation.Hold(tx, *instance, barrier)
	})
	if err != nil || barrier == nil {
		return err
	}
	return fault.New(fault.Conflict, "%s", barrier.Reason)
}

// longestManifest is how long an export's manifest may be, in bytes.
const longestManifest = 16 << 20

// compare says what of an export is not as it was verified: its manifest by checksum, each of its files, which were all read then, by its
// size and by what the store knows its content by. Empty where all is.
func compare(ctx context.Context, run *step.Run, e fleet.VerifiedExport) (wrong string, err error) {
	text, err := read(ctx, run, fleet.ExportKey(e.Folder, fleet.ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return "its manifest is gone", nil
	}
	if err != nil {
		return "", err
	}
	if sum(text) != e.Manifest {
		return "its manifest has another checksum", nil
	}
	var manifest struct {
		Files []struct {
			Name  string `json:"name"`
			Bytes int64  `json:"bytes"`
		} `json:"files"`
	}
	if json.Unmarshal(text, &manifest) != nil {
		return "its manifest is none", nil
	}
	var seen []objects.Object
	for _, f := range manifest.Files {
		there, err := run.Exports.Head(ctx, fleet.ExportKey(e.Folder, f.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return f.Name + " is gone", nil
		case err != nil:
			return "", err
		case there.Size != f.Bytes:
			return fmt.Sprintf("%s has %d bytes and had %d", f.Name, there.Size, f.Bytes), nil
		}
		seen = append(seen, there)
	}
	if objects.Fingerprint(seen) != e.Objects {
		return "one of its files was written anew since it was verified", nil
	}
	return "", nil
}

func read(ctx context.Context, run *step.Run, key string) ([]byte, error) {
	body, err := run.Exports.Read(ctx, key, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(body, longestManifest))
	return text, errors.Join(err, body.Close())
}

func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// Mark is the point of no return: in one transaction, under the run's epoch, the instance becomes TERMINATED if nothing bars it, and is
// counted. A replay finds it TERMINATED.
func Mark(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Update(ctx, func(tx *store.Tx) error {
			instance, err := tx.Instance()
			if err != nil || instance.State == fleet.Terminated {
				return err
			}
			if err := run.Overdue(); err != nil {
				return err
			}
			barrier, err := operation.Barred(tx, *instance, run.Settings)
			if err != nil {
				return err
			}
			if barrier != nil {
				return fault.New(fault.Conflict, "%s", barrier.Reason)
			}
			return mark(tx, run, instance)
		})
	}
}

func mark(tx *store.Tx, run *step.Run, instance *fleet.Instance) error {
	if err := instance.To(fleet.Terminated); err != nil {
		return fault.New(fault.Conflict, "the instance is %s and can't become TERMINATED", instance.State)
	}
	instance.TerminatedAt = tx.Now()
	latest, err := tx.Terminations()
	if err != nil {
		return err
	}
	own := fleet.Termination{InstanceID: instance.ID, At: tx.Now()}
	latest = append(fleet.Within(latest, tx.Now(), own), own)
	tx.Audit(run.Audited("instance.terminated", "instance", string(fleet.Terminated)))
	return errors.Join(tx.PutTerminations(latest), tx.PutInstance(instance), tx.CloseIncidents(fleet.IncidentTerminationHeld))
}
