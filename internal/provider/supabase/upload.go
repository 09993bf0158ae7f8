package supabase

import (
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// UploadPart is how much of a file one call of an upload in parts carries, in bytes: Storage takes no other size, but of the last part.
// Files up to that size go in one call.
const UploadPart = 6 << 20

// Upload stores a file of exactly o.Bytes that content gives, in the place of one of that path: a repeat changes nothing. It never holds
// more than one part, and each is a call of its own, so that it may take as long as ctx lives. The file is there when it is there whole.
// Needs an open attempt. key is the service key, or the secret one.
func (c *Client) Upload(ctx context.Context, ref string, key provider.Secret, o StoredObject, content io.Reader) error {
	if o.Bytes <= UploadPart {
		part, err := nextPart(content, o.Bytes)
		if err != nil {
			return err
		}
		return c.uploadWhole(ctx, ref, key, o, part)
	}
	upload, err := c.BeginUpload(ctx, ref, key, o)
	if err != nil {
		return err
	}
	for at := int64(0); at < o.Bytes; {
		part, err := nextPart(content, min(UploadPart, o.Bytes-at))
		if err == nil {
			at, err = c.AppendUpload(ctx, ref, key, upload, at, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextPart reads the next n bytes.
func nextPart(content io.Reader, n int64) ([]byte, error) {
	part := make([]byte, n)
	if _, err := io.ReadFull(content, part); err != nil {
		return nil, unsent(opUploadObject, fault.Unavailable, "the file can't be read to its end", err)
	}
	return part, nil
}

func (c *Client) uploadWhole(ctx context.Context, ref string, key provider.Secret, o StoredObject, content []byte) error {
	name, ok := o.name()
	if !ok {
		return unnamed(opUploadObject)
	}
	return c.storage(ctx, ref, key, request{
		operation: opUploadObject, method: http.MethodPost, path: "/object/" + name, out: &objectAnswer{want: o.Bucket + "/" + o.Path},
		file: &Object{Type: cmp.Or(o.Type, "application/octet-stream"), Cache: o.Cache, Content: content},
	})
}

// uploads are how Storage names uploads that are under way.
var uploads = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_=-]+$`) })

const resumable = "/upload/resumable"

// BeginUpload begins an upload in parts and gives its name at Storage, by which AppendUpload goes on with it for a day, also much later. Needs
// an open attempt; a repeat begins another one, and what isn't finished goes away by itself.
func (c *Client) BeginUpload(ctx context.Context, ref string, key provider.Secret, o StoredObject) (upload string, err error) {
	if _, ok := o.name(); !ok {
		return "", unnamed(opBeginUpload)
	}
	var described []string
	for _, pair := range [][2]string{{"bucketName", o.Bucket}, {"objectName", o.Path}, {"contentType", o.Type}, {"cacheControl", seconds(o.Cache)}} {
		if pair[1] == "" {
			continue
		}
		described = append(described, pair[0]+" "+base64.StdEncoding.EncodeToString([]byte(pair[1])))
	}
	got, err := c.tus(ctx, ref, key, request{operation: opBeginUpload, method: http.MethodPost, path: resumable, extra: http.Header{
		"Upload-Length": {strconv.FormatInt(o.Bytes, 10)}, "Upload-Metadata": {strings.Join(described, ",")}, "X-Upsert": {"true"},
	}})
	if err != nil {
		return "", err
	}
	// Whatever host it names: where Storage is, is the endpoint's word.
	_, upload, found := strings.Cut(got.header.Get("Location"), resumable+"/")
	if !found || !uploads().MatchString(upload) {
		return "", unusable(opBeginUpload, got.status, "the answer names no upload", nil)
	}
	return upload, nil
}

// AppendUpload adds the part of a file that begins at an offset, and gives where the next one does. All parts but the last are of UploadPart
// bytes. Needs an open attempt. Conflict, with nothing done, where the upload is at another offset, as after an answer that was lost;
// where it is gone, provider.NotFound(err) holds: begin another one.
func (c *Client) AppendUpload(ctx context.Context, ref string, key provider.Secret, upload string, offset int64, part []byte) (next int64, err error) {
	if !uploads().MatchString(upload) {
		return 0, unsent(opAppendUpload, fault.Internal, "not the name of an upload", nil)
	}
	got, err := c.tus(ctx, ref, key, request{operation: opAppendUpload, method: http.MethodPatch, path: resumable + "/" + upload, raw: part,
		extra: http.Header{"Upload-Offset": {strconv.FormatInt(offset, 10)}, "Content-Type": {"application/offset+octet-stream"}}})
	if err != nil {
		return 0, err
	}
	next, err = strconv.ParseInt(got.header.Get("Upload-Offset"), 10, 64)
	if err != nil || next != offset+int64(len(part)) {
		return 0, unusable(opAppendUpload, got.status, "the answer shows another offset", nil)
	}
	return next, nil
}

// tus sends a call of the protocol for uploads in parts, https://tus.io/protocols/resumable-upload.
func (c *Client) tus(ctx context.Context, ref string, key provider.Secret, r request) (reply, error) {
	r.path, r.failure = "/storage/v1"+r.path, c.tusFailure
	r.extra.Set("Tus-Resumable", "1.0.0")
	if err := c.address(ref, key, &r); err != nil {
		return reply{}, err
	}
	return c.exchange(ctx, r)
}

// tusFailure classifies a failure of that protocol, which has plain statuses, and texts for bodies.
func (c *Client) tusFailure(operation string, res *http.Response, body []byte, readErr error) error {
	switch res.StatusCode {
	case http.StatusConflict:
		f := provider.Answered(Name, operation, res.StatusCode, "", 0)
		f.Code, f.Text = fault.Conflict, "the upload is at another offset, or another one is under way"
		return f
	case http.StatusNotFound, http.StatusGone:
		f := provider.Answered(Name, operation, http.StatusNotFound, "", 0)
		f.Text = "there is no such upload, or no such bucket"
		return f
	case http.StatusBadRequest:
		return c.storageFailure(operation, res, body, readErr)
	}
	return provider.Answered(Name, operation, res.StatusCode, "", c.retryAfter(res))
}

// seconds is how uploads in parts name how long a file may be kept: of "max-age=3600" the number. Without one Storage has nobody keep it.
func seconds(cache string) string {
	if _, age, found := strings.Cut(cache, "max-age="); found {
		digits, _, _ := strings.Cut(age, ",")
		return strings.TrimSpace(digits)
	}
	return ""
}
