package supabase

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// downloadPart is how much of a file one call reads, in bytes: it has to come within a call's time.
const downloadPart = 4 << 20

// download reads a file part by part.
type download struct {
	ctx    context.Context // of the whole: reading has no place for one
	client *Client
	ref    string
	key    provider.Secret
	object StoredObject

	path    string
	version string // the file's ETag; empty before the first part
	at      int64  // where the next part begins
	part    []byte // what is read and not yet handed out
}

// Download reads a file from an offset, in bytes, to its end, and never holds more than one part of 4 MB. Each part is a call of its own,
// so that reading may take as long as ctx lives, and be taken up again at an offset. Reading fails with Conflict where the file is no
// longer as long as it was listed, or changes while it is read, and with a fault for which provider.NotFound holds where it is gone.
// key is the service key, or the secret one.
func (c *Client) Download(ctx context.Context, ref string, key provider.Secret, o StoredObject, from int64) (io.ReadCloser, error) {
	name, ok := o.name()
	if !ok || from < 0 || from > o.Bytes {
		return nil, unnamed(opGetObject)
	}
	d := &download{ctx: ctx, client: c, ref: ref, key: key, object: o, path: "/storage/v1/object/authenticated/" + name, at: from}
	if from > 0 && from == o.Bytes {
		return d, nil
	}
	if err := d.next(); err != nil { // what is wrong from the beginning shows at once
		return nil, err
	}
	return d, nil
}

func (d *download) Read(p []byte) (int, error) {
	if len(d.part) == 0 {
		if d.at >= d.object.Bytes {
			return 0, io.EOF
		}
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.part)
	d.part = d.part[n:]
	return n, nil
}

// Close has nothing to close: no call is under way between reads.
func (d *download) Close() error {
	d.part, d.at = nil, d.object.Bytes
	return nil
}

// next reads the next part. An empty file has none, and no range either.
func (d *download) next() error {
	end := min(d.at+downloadPart, d.object.Bytes)
	r := request{operation: opGetObject, method: http.MethodGet, path: d.path, failure: d.failure, extra: http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}}
	if d.object.Bytes > 0 {
		r.extra.Set("Range", fmt.Sprintf("bytes=%d-%d", d.at, end-1))
	}
	if err := d.client.address(d.ref, d.key, &r); err != nil {
		return err
	}
	got, err := d.client.exchange(d.ctx, r)
	if err != nil {
		return err
	}
	if err := d.check(got, end); err != nil {
		return err
	}
	d.part, d.at, d.version = got.body, end, got.header.Get("ETag")
	return nil
}

// check compares an answer with what was asked for, and with the parts before.
func (d *download) check(got reply, end int64) error {
	n := int64(len(got.body))
	first, total, ranged := contentRange(got.header.Get("Content-Range"))
	switch {
	case got.status == http.StatusPartialContent && !ranged, got.status != http.StatusPartialContent && got.status != http.StatusOK:
		return unusable(opGetObject, got.status, "the answer is no part of a file", nil)
	case got.status == http.StatusOK:
		first, total = 0, n // the whole file
	}
	switch version := got.header.Get("ETag"); {
	case total != d.object.Bytes, d.version != "" && version != d.version:
		return changed()
	case first != d.at || n != end-d.at:
		return unusable(opGetObject, got.status, "the answer is another part of the file", nil)
	}
	return nil
}

// changed is the fault of a file that isn't the one that was listed, or begun.
func changed() error {
	return &fault.Error{Code: fault.Conflict, Vendor: Name, Operation: opGetObject, Text: "the file has changed since", NothingHappened: true}
}

func (d *download) failure(operation string, res *http.Response, body []byte, readErr error) error {
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return changed()
	}
	return d.client.storageFailure(operation, res, body, readErr)
}

// contentRange reads "bytes 0-9/100".
func contentRange(text string) (first, total int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes ")
	span, all, slashed := strings.Cut(text, "/")
	from, _, dashed := strings.Cut(span, "-")
	first, err := strconv.ParseInt(from, 10, 64)
	total, err2 := strconv.ParseInt(all, 10, 64)
	return first, total, ok && slashed && dashed && err == nil && err2 == nil
}
