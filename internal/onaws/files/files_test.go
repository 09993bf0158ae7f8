package files_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/awstest"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/step"
)

func config(endpoint string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// TestS3 runs the suite that every store of objects passes.
func TestS3(t *testing.T) {
	c := config(awstest.MiniStack(t, "s3", ""))
	client := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("fleet.test")}); err != nil {
		t.Fatal(err)
	}
	s := files.New(c, clock.System(), "fleet.test")
	objectstest.SuiteExcept(t, s, map[string]string{"wrong parts": "MiniStack 1.5.33 completes an upload of whatever parts; S3 checks tags, sizes and presence"})
	t.Run("link", func(t *testing.T) { link(t, s) })
	t.Run("many", func(t *testing.T) { many(t, s) })
	t.Run("no bucket", func(t *testing.T) {
		if err := files.New(c, clock.System(), "none.such").Put(t.Context(), "a", nil); !fault.Is(err, fault.Internal) {
			t.Error(err)
		}
	})
}

// link downloads by a link alone.
func link(t *testing.T, s objects.Store) {
	if err := s.Put(t.Context(), "link/x.csv", []byte("a,b")); err != nil {
		t.Fatal(err)
	}
	text, err := s.Link(t.Context(), "link/x.csv", `contacts "of acme".csv`, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil || u.Query().Get("X-Amz-Expires") != "900" || u.Query().Get("X-Amz-Signature") == "" ||
		!strings.HasPrefix(u.Query().Get("response-content-disposition"), "attachment; filename=") {
		t.Errorf("%s, %v", text, err)
	}
	answer, err := http.Get(text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it is only read
	if content, err := io.ReadAll(answer.Body); err != nil || string(content) != "a,b" || answer.StatusCode != http.StatusOK {
		t.Errorf("%d, %q, %v", answer.StatusCode, content, err)
	}
}

// many are more than S3 lists in a page.
func many(t *testing.T, s objects.Store) {
	const n = 1001
	for i := range n {
		if err := s.Put(t.Context(), "many/"+strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := s.List(t.Context(), "many/"); err != nil || len(all) != n {
		t.Errorf("%d, %v", len(all), err)
	}
}

// TestSilence: an S3 that doesn't answer is Unavailable, and its own words aren't repeated.
func TestSilence(t *testing.T) {
	s := files.New(config("http://127.0.0.1:1"), clock.System(), "x.y")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{"put": s.Put(ctx, "a", nil), "abort": s.Abort(ctx, "a", "u"),
		"complete": s.Complete(ctx, "a", "u", []objects.Part{{Number: 1, Tag: "t"}})} {
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestOpen puts the ports into an environment, each over its own bucket.
func TestOpen(t *testing.T) {
	var asked []string
	transport := func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Path)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	c := config("http://s3.test")
	c.HTTPClient = doer(transport)
	var env step.Env
	for _, open := range []onaws.Port{files.Exports, files.Archive, files.History} {
		open(onaws.Parts{AWS: c, Clock: clock.System(), Config: onaws.Config{Exports: "of-exports", Archive: "of-audit", History: "of-history"}}, &env)
	}
	for _, s := range []objects.Store{env.Exports, env.Archive, env.History} {
		if err := s.Put(t.Context(), "k", nil); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(asked, " "); got != "/of-exports/k /of-audit/k /of-history/k" {
		t.Error(got)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }
