package onaws

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

// fakeS3 is a bucket named "releases" that lists two entries a page and wants requests signed.
type fakeS3 struct {
	contents map[string]string
	// failing is how many requests fail with this status first.
	failing, status atomic.Int32
}

func (s *fakeS3) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if s.failing.Add(-1) >= 0 {
		out.WriteHeader(int(s.status.Load()))
		return
	}
	auth := r.Header.Get("Authorization")
	key, ok := strings.CutPrefix(r.URL.Path, "/releases/")
	if !ok || !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(auth, "/us-east-1/s3/aws4_request") {
		out.WriteHeader(http.StatusForbidden)
		return
	}
	if key == "" {
		s.list(out, r.URL.Query())
		return
	}
	content, ok := s.contents[key]
	if !ok {
		out.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = out.Write([]byte(content)) // the client may be gone
}

func (s *fakeS3) list(out http.ResponseWriter, q url.Values) {
	type common struct{ Prefix string }
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []object
		CommonPrefixes        []common
		NextContinuationToken string `xml:",omitempty"`
	}
	var names []string
	for key := range s.contents {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if !ok {
			continue
		}
		if folder, _, below := strings.Cut(rest, "/"); below {
			key = q.Get("prefix") + folder + "/"
		}
		names = append(names, key)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		switch {
		case name <= q.Get("continuation-token"):
		case len(page.Contents)+len(page.CommonPrefixes) == 2:
			page.NextContinuationToken = slices.MaxFunc(append(slices.Clone(page.CommonPrefixes), common{last(page.Contents)}),
				func(a, b common) int { return strings.Compare(a.Prefix, b.Prefix) }).Prefix
		case page.NextContinuationToken != "":
		case strings.HasSuffix(name, "/") && name != q.Get("prefix"):
			page.CommonPrefixes = append(page.CommonPrefixes, common{name})
		default:
			page.Contents = append(page.Contents, object{name, int64(len(s.contents[name])), time.Unix(1_700_000_000, 0).UTC()})
		}
	}
	_ = xml.NewEncoder(out).Encode(page) // the client may be gone
}

func last(o []object) string {
	if len(o) == 0 {
		return ""
	}
	return o[len(o)-1].Key
}

func bucketOf(t *testing.T, s *fakeS3) *bucket {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &bucket{prefix: "frontend/v1/", objects: released{clock: clock.System(), bucket: "releases", aws: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
		Credentials: static.NewStaticCredentialsProvider("AKID", "x", "")}}}
}

func release() *fakeS3 {
	return &fakeS3{contents: map[string]string{
		"frontend/v1/":                        "",
		"frontend/v1/index.html":              "<html>",
		"frontend/v1/favicon.svg":             "<svg>",
		"frontend/v1/assets/app-1 +é.js":      "app",
		"frontend/v1/assets/style.css":        "css",
		"frontend/v1/assets/fonts/sans.woff2": "font",
		"frontend/v2/index.html":              "another release",
		"frontend/v10":                        "no folder",
	}}
}

// TestBucket: a release in S3 is a file system by the rules of the standard library.
func TestBucket(t *testing.T) {
	b := bucketOf(t, release())
	if err := fstest.TestFS(b, "index.html", "favicon.svg", "assets/app-1 +é.js", "assets/style.css", "assets/fonts/sans.woff2"); err != nil {
		t.Error(err)
	}
	var walked []string
	err := fs.WalkDir(b, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			walked = append(walked, path)
		}
		return err
	})
	want := []string{"assets/app-1 +é.js", "assets/fonts/sans.woff2", "assets/style.css", "favicon.svg", "index.html"}
	if err != nil || !slices.Equal(walked, want) {
		t.Errorf("walked %q, %v, want %q", walked, err, want)
	}
	if _, err := fs.ReadFile(b, "none.html"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that isn't there: %v", err)
	}
}

func TestBucketFails(t *testing.T) {
	s := release()
	b := bucketOf(t, s)
	for _, c := range []struct {
		failing, status int32
		want            fault.Code
	}{{gets - 1, 503, ""}, {gets, 503, fault.Unavailable}, {1, 403, fault.Internal}} {
		s.failing.Store(c.failing)
		s.status.Store(c.status)
		content, err := fs.ReadFile(b, "index.html")
		switch {
		case c.want == "" && (err != nil || string(content) != "<html>"):
			t.Errorf("after %d times %d: got %q, %v", c.failing, c.status, content, err)
		case c.want != "":
			wants(t, err, c.want)
		}
		s.failing.Store(0)
	}
}
