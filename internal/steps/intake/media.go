package intake

import (
	"context"
	"errors"
	"slices"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	steps "github.com/project-gimbal/fleet/internal/steps/export"
	"github.com/project-gimbal/fleet/internal/steps/project"
	"github.com/project-gimbal/fleet/internal/store"
)

// Media puts the files of the export's archive into the instance's Storage, each in the place of one of its name, and makes its buckets. A
// replay goes on where the invocation before stopped; a file that is there already is written once more.
func Media(d Deps) step.Func {
	return importing(func(ctx context.Context, w *work) error {
		switch {
		case w.at.Database != fleet.ImportDone:
			return fault.New(fault.Conflict, "the database is not imported")
		case !w.at.Media.Done.IsZero():
			return nil
		}
		m, err := d.media(ctx, w)
		if err != nil {
			return err
		}
		if err = m.unpack(provider.WithAttempt(ctx)); err != nil && !fault.Is(err, fault.NotReady) {
			err = errors.Join(err, m.save(context.WithoutCancel(ctx))) // whoever goes on begins here
		}
		return errors.Join(err, m.close())
	})
}

// media is one invocation's part of an archive's import.
type media struct {
	*work
	projects *supabase.Client
	ref      string
	key      provider.Secret
	to       export.Addresses
	archive  *archive
	at       fleet.ImportedMedia
	// bucket is the one that is surely there.
	bucket string
}

func (d Deps) media(ctx context.Context, w *work) (*media, error) {
	manifest, err := export.ReadManifest(ctx, w.files, w.at.Manifest)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(manifest.Files, func(f export.File) bool { return f.Name == steps.MediaName })
	if at < 0 {
		return nil, fault.New(fault.Rejected, "the export has no archive of media")
	}
	entry, err := project.Entry(ctx, w.Run)
	if err != nil {
		return nil, err
	}
	m := &media{work: w, projects: d.Projects, ref: entry.ID, at: w.at.Media, archive: &archive{files: w.files, file: manifest.Files[at]}}
	if m.to, err = d.addresses(ctx, w); err != nil {
		return nil, err
	}
	m.key, err = steps.StorageKey(ctx, w.Run, d.Projects, entry.ID)
	return m, err
}

func (m *media) close() error { return m.archive.close() }

// unpack goes on until all is in Storage, or the time is up.
func (m *media) unpack(ctx context.Context) error {
	if err := m.archive.open(ctx, m.at.At, m.at.Hash); err != nil {
		return err
	}
	for {
		h, err := m.archive.next()
		if err != nil {
			return err
		}
		if h == nil {
			break
		}
		if err := m.entry(ctx, h); err != nil {
			return err
		}
		if err := m.pass(ctx); err != nil {
			return err
		}
	}
	if err := m.archive.whole(); err != nil {
		m.at = fleet.ImportedMedia{} // what was wrong with it may have been before the place where this invocation began
		return err
	}
	if err := m.plainTheme(ctx); err != nil {
		return err
	}
	m.at.Hash, m.at.Done = nil, m.Clock.Now()
	return m.save(ctx)
}

// pass goes on behind an entry. Once the time is up it notes how far it is, and another invocation goes on.
func (m *media) pass(ctx context.Context) (err error) {
	m.at.Upload, m.at.At = nil, m.archive.at
	if m.at.Hash, err = m.archive.state(); err != nil {
		return err
	}
	return m.timeUp(ctx)
}

func (m *media) timeUp(ctx context.Context) error {
	if m.Clock.Now().Before(m.until) {
		return nil
	}
	if err := m.save(ctx); err != nil {
		return err
	}
	return fault.New(fault.NotReady, "the media are not all imported yet")
}

func (m *media) save(ctx context.Context) error {
	return m.note(ctx, func(_ *store.Tx, at *fleet.Import) error { at.Media = m.at; return nil })
}
