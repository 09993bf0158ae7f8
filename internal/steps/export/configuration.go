package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/history"
)

// Configuration writes how the instance is set up into the export, and into the history, for later than the export's files are kept. A
// replay finds it written.
func Configuration(Deps) step.Func {
	return writing("configuration", func(ctx context.Context, w *work) error {
		var file export.File
		if err := w.files.recall(ctx, &file); err != nil || file.Name != "" {
			return err
		}
		text, err := history.Configuration(w.Instance, w.Signup)
		if err != nil {
			return err
		}
		if err := history.Keep(ctx, w.Env, w.Instance.ID, w.Operation.StartedAt, text); err != nil {
			return err
		}
		if err := w.files.store.Put(ctx, fleet.ExportKey(w.files.folder, ConfigurationName), text); err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		return w.files.note(ctx, export.File{Name: ConfigurationName, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	})
}
