package intake

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	steps "github.com/project-gimbal/fleet/internal/steps/export"
)

// entry puts a file into Storage, or gives a bucket its settings.
func (m *media) entry(ctx context.Context, h *tar.Header) error {
	bucket, path, _ := strings.Cut(h.Name, "/")
	if h.Typeflag == tar.TypeDir {
		limit, _ := strconv.ParseInt(h.PAXRecords[steps.LimitRecord], 10, 64) // none is 0
		b := supabase.Bucket{Name: bucket, MaxBytes: limit, Private: h.PAXRecords[steps.PublicRecord] != "true"}
		if types := h.PAXRecords[steps.TypesRecord]; types != "" {
			b.Types = strings.Split(types, ",")
		}
		if there, err := m.makeBucket(ctx, b); err != nil || !there {
			return err
		}
		return m.projects.UpdateBucket(ctx, m.ref, m.key, b)
	}
	if m.bucket != bucket {
		if _, err := m.makeBucket(ctx, supabase.Bucket{Name: bucket, Private: true}); err != nil {
			return err
		}
		m.bucket = bucket
	}
	o := supabase.StoredObject{Bucket: bucket, Path: path, Bytes: h.Size, Type: cmp.Or(h.PAXRecords[steps.TypeRecord], "application/octet-stream"),
		Cache: h.PAXRecords[steps.CacheRecord]}
	if err := m.object(ctx, o); err != nil {
		return err
	}
	if err := m.archive.skip(h.Size); err != nil {
		return err
	}
	m.at.Files++
	return nil
}

// makeBucket makes a bucket, and reports whether it was there already.
func (m *media) makeBucket(ctx context.Context, b supabase.Bucket) (there bool, err error) {
	err = m.projects.CreateBucket(ctx, m.ref, m.key, b)
	if fault.Is(err, fault.Conflict) {
		return true, nil
	}
	return false, err
}

// object puts a file in the place of one of its name. Of a large one a part at a time is in memory.
func (m *media) object(ctx context.Context, o supabase.StoredObject) error {
	if o.Bytes > supabase.UploadPart {
		return m.parts(ctx, o)
	}
	content, err := m.archive.content(o.Bytes)
	if err != nil {
		return err
	}
	if o.Bucket == fleet.BrandingBucket && o.Path == fleet.BrandingTheme { // from it the instance's pages know where its images are
		if m.at.Theme = true; m.to.Theirs != "" {
			content = bytes.ReplaceAll(content, []byte(m.to.Theirs), []byte(m.to.Ours))
		}
		o.Bytes = int64(len(content))
	}
	return m.projects.Upload(ctx, m.ref, m.key, o, bytes.NewReader(content))
}

// parts uploads a file part by part, on from the part that was noted. Where Storage doesn't know the upload any more, or has another part
// of it, it begins anew.
func (m *media) parts(ctx context.Context, o supabase.StoredObject) error {
	if m.at.Upload != nil {
		if err := m.archive.open(ctx, m.archive.at+m.at.Upload.Sent, m.at.Upload.Hash); err != nil {
			return err
		}
	}
	err := m.rest(ctx, o)
	if !fault.Is(err, fault.Conflict) && !provider.NotFound(err) {
		return err
	}
	m.at.Upload = nil
	if err := m.archive.open(ctx, m.at.At, m.at.Hash); err != nil {
		return err
	}
	if _, err := m.archive.next(); err != nil {
		return err
	}
	return m.rest(ctx, o)
}

// rest uploads what is left of a file.
func (m *media) rest(ctx context.Context, o supabase.StoredObject) (err error) {
	u := fleet.ImportUpload{}
	if m.at.Upload != nil {
		u = *m.at.Upload
	} else if u.ID, err = m.projects.BeginUpload(ctx, m.ref, m.key, o); err != nil {
		return err
	}
	for u.Sent < o.Bytes {
		part, err := m.archive.content(min(supabase.UploadPart, o.Bytes-u.Sent))
		if err != nil {
			return err
		}
		if u.Sent, err = m.projects.AppendUpload(ctx, m.ref, m.key, u.ID, u.Sent, part); err != nil {
			return err
		}
		if u.Hash, err = m.archive.state(); err != nil {
			return err
		}
		noted := u
		m.at.Upload = &noted
		if u.Sent == o.Bytes {
			break
		}
		if err := m.timeUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// plainTheme empties the theme of a provisioning with images, where the export's instance had none.
func (m *media) plainTheme(ctx context.Context) error {
	if m.at.Theme {
		return nil
	}
	ours, err := m.Store.Resource(ctx, m.Instance.ID, fleet.BrandingAsset, "theme")
	if err != nil || ours == nil || ours.Status != fleet.Created {
		return err
	}
	return m.projects.Upload(ctx, m.ref, m.key, supabase.StoredObject{Bucket: fleet.BrandingBucket, Path: fleet.BrandingTheme, Bytes: 2,
		Type: "application/json", Cache: "public, max-age=60"}, strings.NewReader("{}"))
}
