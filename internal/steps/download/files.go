package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// file is one of an export, as its manifest tells it.
type file struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	link  string
}

// maxManifest is far over a manifest's length, in bytes.
const maxManifest = 16 << 20

// links makes a link to each file of an export, the manifest first, and notes it in the audit before anybody gets them.
func links(ctx context.Context, env step.Env, w wanted, n int) ([]file, error) {
	files, err := listed(ctx, env, w.export)
	if err != nil {
		return nil, err
	}
	for i := range files {
		key := fleet.ExportKey(w.export.Folder, files[i].Name)
		if files[i].link, err = env.Exports.Link(ctx, key, path.Base(files[i].Name), fleet.LinksValid); err != nil {
			return nil, &fault.Error{Code: fault.Unavailable, Text: "an export's file can't be linked to", Err: err}
		}
	}
	return files, env.Store.Update(ctx, w.instance.ID, func(tx *store.Tx) error {
		tx.Audit(entry(env, w.export.ID, n, "links_given", administrator, ""))
		return nil
	})
}

// listed are the files of an export by its manifest, which must be the one that was verified.
func listed(ctx context.Context, env step.Env, e fleet.Export) ([]file, error) {
	r, err := env.Exports.Read(ctx, fleet.ExportKey(e.Folder, fleet.ManifestName), 0)
	if err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "the export's manifest can't be read", Err: err}
	}
	text, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "the export's manifest broke off", Err: err}
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != e.Manifest {
		return nil, fault.New(fault.Internal, "the export's manifest is another one than was verified")
	}
	var manifest struct {
		Files []file `json:"files"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: "the export's manifest does not decode", Err: err}
	}
	return append([]file{{Name: fleet.ManifestName, Bytes: int64(len(text))}}, manifest.Files...), nil
}
