package world_test

import (
	"context"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
)

// spoilt is a store in which a file is another one than was written.
type spoilt struct {
	objects.Store
	name string
}

func (s spoilt) Complete(ctx context.Context, key, upload string, parts []objects.Part) error {
	err := s.Store.Complete(ctx, key, upload, parts)
	if err != nil || !strings.HasSuffix(key, s.name) {
		return err
	}
	there, err := s.Head(ctx, key)
	if err != nil {
		return err
	}
	return s.Put(ctx, key, make([]byte, there.Size))
}

// TestSpoiltExport: an export whose files aren't what was written is none, an incident says so, and nothing is terminated before somebody
// has looked. The next one is good.
func TestSpoiltExport(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"database.sql", "media.tar", "manifest.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &spoilt{&objects.Memory{}, "/" + name}
			inExporting(t, func(o *world.Options) { o.Exports = store }, func(e *exporting) {
				e.files = store
				e.upload(map[string][]byte{"a.pdf": []byte("one")})
				o := e.begin()
				e.settle()
				x := e.record(o.Operation)
				if now := e.run(e.id, o.Operation); now.Outcome != fleet.FailedClean || x.Status != fleet.ExportFailed || !x.VerifiedAt.IsZero() || !strings.Contains(x.Failure, "VerifyExport: ") {
					t.Errorf("%+v, %+v", now, x)
				}
				if path := e.path("export", o.Execution); path[len(path)-1] != "Failed" {
					t.Errorf("path: %v", path)
				}
				if all, err := e.w.Store.Incidents(e.ctx, e.id); err != nil || len(all) != 1 || all[0].Code != fleet.IncidentExportFailed {
					t.Errorf("incidents: %+v, %v", all, err)
				}
				if i := e.instance(e.id); i.State != fleet.Active || i.Operation != "" || i.Unfinished != "" {
					t.Errorf("instance: %+v", i)
				}
				freezes, err := e.w.Store.Freezes(e.ctx)
				if frozen := fleet.Frozen(freezes, fleet.Terminations); err != nil || frozen == nil || !strings.Contains(frozen.Reason, o.Operation) {
					t.Errorf("freezes: %+v, %v", freezes, err)
				}
				store.name = "none"
				o = e.begin()
				e.settle()
				e.wantExported(o.Operation)
				if all, err := e.w.Store.Incidents(e.ctx, e.id); err != nil || len(all) != 1 || all[0].ClosedAt.IsZero() {
					t.Errorf("incidents: %+v, %v", all, err)
				}
			})
		})
	}
}
