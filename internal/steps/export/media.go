package export

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

// Media writes all files of Storage as one tar archive, bucket by bucket: <bucket>/<path>, with media type and Cache-Control as
// extended headers; and behind them the buckets as folders, with their settings. A replay goes on within a file, wherever the invocation before it stopped. A file that is deleted or changed while it
// is read is told in the manifest.
func Media(d Deps) step.Func {
	return writing("media", func(ctx context.Context, w *work) error {
		m := &media{work: w, projects: d.Projects, size: d.MediaPart, hash: sha256.New()}
		if err := m.open(ctx); err != nil || m.at.Done != nil {
			return err
		}
		err := m.write(ctx)
		m.progress.Files, m.progress.Bytes = m.at.Objects, m.at.Bytes
		return err
	})
}

// archived is how far the archive is. All but Tail is behind the last part.
type archived struct {
	Upload string `json:"upload,omitempty"`
	Parts  int    `json:"parts"`
	Bytes  int64  `json:"bytes"` // in those parts
	Hash   []byte `json:"hash,omitempty"`
	Tags   tags   `json:"tags"`
	// Tail is how many bytes behind the last part are kept as an object of their own, at the end of an invocation.
	Tail int `json:"tail,omitempty"`

	// Buckets are all there were at the beginning; Bucket is the one under way, Page its page, listed by Cursor, and Object the file on it.
	Buckets []supabase.Bucket `json:"buckets,omitempty"`
	Bucket  int               `json:"bucket"`
	Page    int               `json:"page"`
	Cursor  string            `json:"cursor,omitempty"`
	Object  int               `json:"object"`
	// Begun: the file's header is written, and Offset bytes of it. Cut: by several invocations.
	Begun  bool  `json:"begun,omitempty"`
	Cut    bool  `json:"cut,omitempty"`
	Offset int64 `json:"offset,omitempty"`

	Objects int64            `json:"objects"`
	LeftOut []export.LeftOut `json:"left_out,omitempty"`
	Closing bool             `json:"closing,omitempty"` // all parts are stored
	Done    *export.File     `json:"done,omitempty"`
}

// media is one invocation's part of the archive.
type media struct {
	*work
	projects *supabase.Client
	ref      string
	key      provider.Secret
	size     int // of a part
	at       archived
	buf      bytes.Buffer
	hash     hash.Hash
}

// open begins the archive, or goes on with it.
func (m *media) open(ctx context.Context) error {
	if err := m.files.recall(ctx, &m.at); err != nil || m.at.Done != nil {
		return err
	}
	m.buf.Grow(m.size + 2<<20) // a part, and what comes at once on top: it never grows after that
	entry, err := project.Entry(ctx, m.Run)
	if err != nil {
		return err
	}
	m.ref = entry.ID
	if m.key, err = StorageKey(ctx, m.Run, m.projects, m.ref); err != nil {
		return err
	}
	if m.at.Upload != "" {
		return m.resume(ctx)
	}
	buckets, err := m.projects.Buckets(ctx, m.ref, m.key)
	if err != nil {
		return err
	}
	slices.SortFunc(buckets, func(a, b supabase.Bucket) int { return strings.Compare(a.Name, b.Name) })
	m.at.Buckets = buckets
	m.at.Upload, err = m.files.Begin(ctx, MediaName)
	return err
}

// StorageKey is a project's secret key, which Storage takes while the service key is disabled. A project from before there were such has
// only that.
func StorageKey(ctx context.Context, run *step.Run, projects *supabase.Client, ref string) (provider.Secret, error) {
	key, err := projects.SecretKey(ctx, ref)
	if fault.Is(err, fault.NotReady) {
		return run.Recall(ctx, fleet.ServiceKey)
	}
	return key, err
}

func (m *media) resume(ctx context.Context) error {
	m.files.tags, m.at.Cut = m.at.Tags, m.at.Begun
	if m.at.Hash != nil {
		if err := m.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(m.at.Hash); err != nil {
			return fault.New(fault.Internal, "the note of the archive's hash is not usable")
		}
	}
	if m.at.Tail == 0 {
		return nil
	}
	tail, err := whole(ctx, m.files.store, m.tail())
	if err == nil && len(tail) != m.at.Tail {
		err = fault.New(fault.Internal, "the archive's tail has %d bytes in place of %d", len(tail), m.at.Tail)
	}
	m.buf.Write(tail)
	m.at.Tail = 0
	return err
}

func (m *media) tail() string { return fmt.Sprintf("%s-tail-%d", m.files.notes, m.at.Parts) }

// write writes on until all is written, or the time is up.
func (m *media) write(ctx context.Context) error {
	for m.at.Bucket < len(m.at.Buckets) {
		page, err := m.page(ctx)
		if err != nil {
			return err
		}
		for m.at.Object < len(page.Objects) {
			if err := m.object(ctx, page.Objects[m.at.Object]); err != nil {
				return err
			}
			if err := m.timeUp(ctx); err != nil {
				return err
			}
		}
		m.at.Object, m.at.Cursor, m.at.Page = 0, page.Next, m.at.Page+1
		if page.Next == "" {
			m.at.Bucket++
		}
	}
	if !m.at.Closing { // noted with the last part, so that completing alone is repeated
		m.at.Closing = true
		if err := m.folders(); err != nil {
			return err
		}
		m.buf.Write(make([]byte, 2*512)) // the archive's end
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	if err := m.files.Complete(ctx, MediaName, m.at.Upload, m.at.Parts, m.at.Bytes); err != nil {
		return err
	}
	m.at.Done = &export.File{Name: MediaName, Bytes: m.at.Bytes, SHA256: hex.EncodeToString(m.hash.Sum(nil))}
	return m.files.note(ctx, m.at)
}

// page lists the page under way. It is kept, so that whoever goes on finds the same files at the same places.
func (m *media) page(ctx context.Context) (supabase.ObjectPage, error) {
	key := fmt.Sprintf("%s-page-%d.json", m.files.notes, m.at.Page)
	var page supabase.ObjectPage
	err := get(ctx, m.files.store, key, &page)
	if !errors.Is(err, fs.ErrNotExist) {
		return page, err
	}
	page, err = m.projects.Objects(ctx, m.ref, m.key, m.at.Buckets[m.at.Bucket].Name, m.at.Cursor)
	if gone(err) {
		m.leave(m.at.Buckets[m.at.Bucket].Name, "it can't be listed by this name")
		return supabase.ObjectPage{}, nil
	}
	if err != nil {
		return page, err
	}
	return page, put(ctx, m.files.store, key, page)
}

// object writes a file, or what is left of it.
func (m *media) object(ctx context.Context, o supabase.StoredObject) error {
	name := o.Bucket + "/" + o.Path
	r, err := m.projects.Download(ctx, m.ref, m.key, o, m.at.Offset)
	if gone(err) {
		return m.lose(ctx, o, "it was deleted or changed while the export was made, or its name can't be part of an address")
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	if !m.at.Begun {
		if err := m.header(name, o); err != nil {
			return err
		}
	}
	for m.at.Offset < o.Bytes {
		n, err := io.CopyN(&m.buf, r, min(o.Bytes-m.at.Offset, 1<<20))
		m.at.Offset += n
		if gone(err) {
			return m.lose(ctx, o, "it was deleted or changed while it was read: the end of what is in the archive is not the file's")
		}
		if err != nil {
			return err
		}
		if m.buf.Len() >= m.size {
			if err := m.flush(ctx); err != nil {
				return err
			}
		}
		if err := m.timeUp(ctx); err != nil {
			return err
		}
	}
	if m.at.Cut {
		if same, err := m.unchanged(ctx, o); err != nil {
			return err
		} else if !same {
			m.leave(name, "it was changed while it was read: what is in the archive may be of both")
		}
	}
	m.close(o)
	return nil
}

// header writes what goes before a file.
func (m *media) header(name string, o supabase.StoredObject) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: o.Bytes, Mode: 0o644, ModTime: o.Changed.UTC(), Format: tar.FormatPAX, PAXRecords: map[string]string{}}
	m.at.Begun = true
	return m.describe(h, map[string]string{TypeRecord: o.Type, CacheRecord: o.Cache})
}

// folders writes the buckets with their settings, behind all files: who imports them applies the settings last, which may refuse files
// that are older.
func (m *media) folders() error {
	for _, b := range m.at.Buckets {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: b.Name + "/", Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{}}
		records := map[string]string{PublicRecord: strconv.FormatBool(!b.Private), TypesRecord: strings.Join(b.Types, ",")}
		if b.MaxBytes > 0 {
			records[LimitRecord] = strconv.FormatInt(b.MaxBytes, 10)
		}
		if err := m.describe(h, records); err != nil {
			return err
		}
	}
	return nil
}

// Extended headers of the archive: of a file its media type and Cache-Control; of a bucket whether everybody may read it, the largest file
// that it takes, in bytes, and the media types, with commas between.
const (
	TypeRecord   = "GIMBAL.content-type"
	CacheRecord  = "GIMBAL.cache-control"
	PublicRecord = "GIMBAL.public"
	LimitRecord  = "GIMBAL.file-size-limit"
	TypesRecord  = "GIMBAL.content-types"
)

func (m *media) describe(h *tar.Header, records map[string]string) error {
	for key, value := range records {
		if value != "" {
			h.PAXRecords[key] = value
		}
	}
	if err := tar.NewWriter(&m.buf).WriteHeader(h); err != nil {
		return &fault.Error{Code: fault.Internal, Text: "a file or a bucket can't be described in the archive", Err: err}
	}
	return nil
}

// close fills the file's last block and goes on to the next one.
func (m *media) close(o supabase.StoredObject) {
	m.buf.Write(make([]byte, -o.Bytes&511))
	m.at.Object, m.at.Objects = m.at.Object+1, m.at.Objects+1
	m.at.Begun, m.at.Cut, m.at.Offset = false, false, 0
}

// lose goes on without a file. What is in the archive already of it stays, filled up: the archive must go on.
func (m *media) lose(ctx context.Context, o supabase.StoredObject, why string) error {
	m.leave(o.Bucket+"/"+o.Path, why)
	if !m.at.Begun {
		m.at.Object, m.at.Offset = m.at.Object+1, 0
		return nil
	}
	for m.at.Offset < o.Bytes {
		n := min(o.Bytes-m.at.Offset, 1<<20)
		m.buf.Write(make([]byte, n))
		if m.at.Offset += n; m.buf.Len() >= m.size {
			if err := m.flush(ctx); err != nil {
				return err
			}
		}
	}
	m.close(o)
	return nil
}

func (m *media) leave(what, why string) {
	m.at.LeftOut = append(m.at.LeftOut, export.LeftOut{What: "media " + what, Reason: why})
}

// unchanged looks again whether a file that several invocations read is still the one that was listed.
func (m *media) unchanged(ctx context.Context, o supabase.StoredObject) (bool, error) {
	page, err := m.projects.Objects(ctx, m.ref, m.key, o.Bucket, m.at.Cursor)
	return slices.ContainsFunc(page.Objects, func(now supabase.StoredObject) bool {
		return now.Path == o.Path && now.Bytes == o.Bytes && now.Changed.Equal(o.Changed)
	}), err
}

// flush stores what is buffered as a part.
func (m *media) flush(ctx context.Context) error {
	if m.at.Parts == objects.MaxParts {
		return fault.New(fault.QuotaExceeded, "all media together are larger than %d parts of %d bytes", objects.MaxParts, m.size)
	}
	p := export.Part{File: MediaName, Upload: m.at.Upload, Number: m.at.Parts + 1, Offset: m.at.Bytes, Body: m.buf.Bytes()}
	if err := m.files.Write(ctx, p); err != nil {
		return err
	}
	m.hash.Write(p.Body)
	m.at.Parts, m.at.Bytes = p.Number, p.Offset+int64(len(p.Body))
	m.buf.Reset()
	return m.save(ctx)
}

func (m *media) save(ctx context.Context) error {
	state, err := m.hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return err
	}
	m.at.Hash, m.at.Tags = state, m.files.tags
	return m.files.note(ctx, m.at)
}

// timeUp keeps what is buffered, and says that another invocation goes on, once the time is up.
func (m *media) timeUp(ctx context.Context) error {
	if m.Clock.Now().Before(m.until) {
		return nil
	}
	if m.at.Tail = m.buf.Len(); m.at.Tail > 0 {
		if err := m.files.store.Put(ctx, m.tail(), m.buf.Bytes()); err != nil {
			return err
		}
	}
	if err := m.save(ctx); err != nil {
		return err
	}
	return more("the media archive")
}

// gone reports whether a file isn't what was listed any more, or was never asked for, since no address can name it.
func gone(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && (provider.NotFound(f) || f.Code == fault.Conflict || f.Code == fault.Rejected && f.Status == 0)
}
