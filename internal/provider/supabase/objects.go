package supabase

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// StoredObject is a file in a project's Storage, whoever put it there.
type StoredObject struct {
	Bucket  string
	Path    string // names separated by "/", of any characters that Storage allows
	Bytes   int64
	Type    string // media type
	Cache   string // the Cache-Control header with which it is served
	Changed time.Time
}

// name escapes bucket and path for a URL. It is false for a path that would mean another one there, or is none.
func (o StoredObject) name() (string, bool) {
	const longest = 1024
	names := append([]string{o.Bucket}, strings.Split(o.Path, "/")...)
	for i, name := range names {
		if name == "" || name == "." || name == ".." || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return "", false
		}
		names[i] = url.PathEscape(name)
	}
	return strings.Join(names, "/"), len(o.Path) <= longest && !strings.Contains(o.Bucket, "/")
}

// addressable reports whether a bucket can be named in a URL.
func addressable(bucket string) bool {
	_, ok := StoredObject{Bucket: bucket, Path: "x"}.name()
	return ok
}

// unnamed is the fault of a file or bucket that no URL can name. Nothing was sent.
func unnamed(operation string) error {
	return unsent(operation, fault.Rejected, "the name can't be part of an address", nil)
}

type bucketList []struct {
	ID     string   `json:"id"`
	Public *bool    `json:"public"`
	Limit  *int64   `json:"file_size_limit"`
	Types  []string `json:"allowed_mime_types"`
}

func (l *bucketList) complete() bool {
	if *l == nil {
		return false
	}
	for _, b := range *l {
		if b.ID == "" || b.Public == nil {
			return false
		}
	}
	return true
}

// Buckets lists all of a project's buckets. key is the service key, or the secret one.
func (c *Client) Buckets(ctx context.Context, ref string, key provider.Secret) ([]Bucket, error) {
	list := bucketList{}
	err := c.storage(ctx, ref, key, request{operation: opListBuckets, method: http.MethodGet, path: "/bucket", out: &list})
	if err != nil {
		return nil, err
	}
	found := make([]Bucket, 0, len(list))
	for _, b := range list {
		found = append(found, Bucket{Name: b.ID, MaxBytes: value(b.Limit), Types: b.Types, Private: !*b.Public})
	}
	return found, nil
}

// ObjectPage is a part of a bucket's files.
type ObjectPage struct {
	Objects []StoredObject
	// Next asks for the following page; empty on the last one.
	Next string
}

// objectPageSize is how many files a page has at most.
const objectPageSize = 500

type objectPage struct {
	HasNext    *bool   `json:"hasNext"`
	NextCursor *string `json:"nextCursor"`
	Objects    []struct {
		Name     string    `json:"name"`
		Changed  time.Time `json:"updated_at"`
		Metadata *struct {
			Size  *int64 `json:"size"`
			Type  string `json:"mimetype"`
			Cache string `json:"cacheControl"`
		} `json:"metadata"`
	} `json:"objects"`
}

func (p *objectPage) complete() bool {
	if p.Objects == nil || p.HasNext == nil || *p.HasNext && value(p.NextCursor) == "" {
		return false
	}
	for _, o := range p.Objects {
		if o.Name == "" || o.Metadata != nil && (o.Metadata.Size == nil || *o.Metadata.Size < 0) {
			return false
		}
	}
	return true
}

// Objects lists a page of a bucket's files, in whatever folders they are, in the order of their paths; the first one after an empty
// cursor, the others after the page before's Next, also much later. Files that are written meanwhile may be on it or not; what isn't
// touched is listed exactly once. A file whose upload was broken off, which has no content, is left out. key is the service key, or
// the secret one. It only reads. Where there is no such bucket the list is empty.
func (c *Client) Objects(ctx context.Context, ref string, key provider.Secret, bucket, cursor string) (ObjectPage, error) {
	if !addressable(bucket) {
		return ObjectPage{}, unnamed(opListObjects)
	}
	in := map[string]any{
		"limit": objectPageSize, "with_delimiter": false, "sortBy": map[string]string{"column": "name", "order": "asc"},
	}
	if cursor != "" {
		in["cursor"] = cursor
	}
	page := &objectPage{}
	err := c.storage(provider.ReadOnly(ctx), ref, key, request{
		operation: opListObjects, method: http.MethodPost, path: "/object/list-v2/" + url.PathEscape(bucket), in: in, out: page,
	})
	switch {
	case err != nil:
		return ObjectPage{}, err
	case *page.HasNext && *page.NextCursor == cursor:
		return ObjectPage{}, unusable(opListObjects, http.StatusOK, "the list doesn't get on", nil)
	}
	out := ObjectPage{Objects: make([]StoredObject, 0, len(page.Objects))}
	for _, o := range page.Objects {
		if o.Metadata != nil {
			out.Objects = append(out.Objects, StoredObject{
				Bucket: bucket, Path: o.Name, Bytes: *o.Metadata.Size, Type: o.Metadata.Type, Cache: o.Metadata.Cache, Changed: o.Changed,
			})
		}
	}
	out.Objects = slices.Clip(out.Objects)
	if *page.HasNext {
		out.Next = *page.NextCursor
	}
	return out, nil
}
