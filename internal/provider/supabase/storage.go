package supabase

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opCreateBucket = "CreateBucket"
	opUpdateBucket = "UpdateBucket"
	opUploadObject = "UploadObject"
	opListBuckets  = "ListBuckets"
	opListObjects  = "ListObjects"
	opGetObject    = "GetObject"
	opBeginUpload  = "BeginUpload"
	opAppendUpload = "AppendUpload"
)

// Bucket is a place for files in a project's Storage that only the service key may write, where nobody has made other policies.
type Bucket struct {
	Name     string   // of a-z, 0-9 and "-", where Fleet makes it for itself
	MaxBytes int64    // the largest file; 0: no limit of its own
	Types    []string // the media types it takes; nil: all
	Private  bool     // not everybody may read it
}

// Object is a file in a bucket.
type Object struct {
	Bucket string
	Path   string // names of a-z, 0-9, "-" and ".", separated by "/"
	Type   string // media type
	Cache  string // the Cache-Control header with which it is served
	// Content is the file itself.
	Content []byte
}

// describe puts what goes with a file into a request's header. A file that is there is replaced.
func (o Object) describe(h http.Header) {
	h.Set("Content-Type", o.Type)
	h.Set("Cache-Control", o.Cache)
	h.Set("X-Upsert", "true")
}

type bucketSettings struct {
	ID       string   `json:"id,omitempty"`
	Name     string   `json:"name,omitempty"`
	Public   bool     `json:"public"`
	MaxBytes *int64   `json:"file_size_limit"`
	Types    []string `json:"allowed_mime_types"`
}

func (b Bucket) settings(name string) bucketSettings {
	return bucketSettings{name, name, !b.Private, unlessZero(b.MaxBytes), b.Types}
}

type bucketAnswer struct {
	Name string `json:"name"`
	want string
}

func (a *bucketAnswer) complete() bool { return a.Name == a.want }

type objectAnswer struct {
	Key  string
	want string
}

func (a *objectAnswer) complete() bool { return a.Key == a.want }

// CreateBucket makes a bucket. Needs an open attempt. key is the project's service key. Conflict when there is one of that name.
func (c *Client) CreateBucket(ctx context.Context, ref string, key provider.Secret, b Bucket) error {
	if !addressable(b.Name) {
		return unnamed(opCreateBucket)
	}
	return c.storage(ctx, ref, key, request{
		operation: opCreateBucket, method: http.MethodPost, path: "/bucket", out: &bucketAnswer{want: b.Name}, in: b.settings(b.Name),
	})
}

// UpdateBucket writes a bucket's settings over those it has. Needs an open attempt. key is the project's service key.
func (c *Client) UpdateBucket(ctx context.Context, ref string, key provider.Secret, b Bucket) error {
	if !addressable(b.Name) {
		return unnamed(opUpdateBucket)
	}
	return c.storage(ctx, ref, key, request{
		operation: opUpdateBucket, method: http.MethodPut, path: "/bucket/" + url.PathEscape(b.Name), out: &messageAnswer{}, in: b.settings(""),
	})
}

// UploadObject stores a file, in the place of one of that path: a repeat changes nothing. Needs an open attempt. key is the
// project's service key.
func (c *Client) UploadObject(ctx context.Context, ref string, key provider.Secret, o Object) error {
	return c.inStorage(ctx, ref, key, request{
		operation: opUploadObject, method: http.MethodPost, path: "/object/" + o.Bucket + "/" + o.Path, file: &o,
		out: &objectAnswer{want: o.Bucket + "/" + o.Path},
	}, o.Bucket, o.Path)
}

// plainPaths are those that mean the same however often they are escaped.
var plainPaths = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*)*$`) })

// inStorage sends a call to a project's Storage. names are those that the path holds.
func (c *Client) inStorage(ctx context.Context, ref string, key provider.Secret, r request, names ...string) error {
	for _, name := range names {
		if !plainPaths().MatchString(name) {
			return unsent(r.operation, fault.Internal, "not a bucket's or a file's name", nil)
		}
	}
	return c.storage(ctx, ref, key, r)
}

// storage sends a call to a project's Storage.
func (c *Client) storage(ctx context.Context, ref string, key provider.Secret, r request) error {
	r.path, r.failure = "/storage/v1"+r.path, c.storageFailure
	return c.inProject(ctx, ref, key, r)
}

// storageProblem is an error document of Storage.
type storageProblem struct {
	StatusCode string `json:"statusCode"`
	Code       string `json:"code"`
}

// storageFailure classifies an answer of Storage whose status isn't a success: most of its failures are an HTTP 400 with the real
// status, as text, in the body. A 400 without that comes from somewhere else and proves nothing.
// https://supabase.com/docs/guides/storage/debugging/error-codes
func (c *Client) storageFailure(operation string, res *http.Response, body []byte, readErr error) error {
	var p storageProblem
	understood := readErr == nil && json.Unmarshal(body, &p) == nil
	status := res.StatusCode
	if status == http.StatusBadRequest {
		real, err := strconv.Atoi(strings.TrimSpace(p.StatusCode))
		if !understood || err != nil || real < 400 || real > 599 {
			return &fault.Error{Code: fault.Unavailable, Vendor: Name, Operation: operation, Text: "refused without the vendor's error document", Err: readErr}
		}
		status = real
	}
	p.Code = provider.Code(p.Code)
	f := provider.Answered(Name, operation, status, p.Code, c.retryAfter(res))
	switch {
	case p.Code == "SlowDown": // whatever status it comes with
		f.Code, f.Text, f.NothingHappened = fault.Throttled, "rate limit reached", true
	case status == http.StatusConflict:
		f.Code, f.Text = fault.Conflict, "exists already"
	case status == http.StatusNotFound && p.Code == "": // a gateway's
		provider.Strange(f)
	}
	return f
}
