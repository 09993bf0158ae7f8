package onaws

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

// released reads a bucket over S3's REST API, signed by the SDK. The SDK's client of S3 is the size of half a function, for
// two kinds of GET. Each call is bounded by itself: fs.FS, which this is for, carries no context.
type released struct {
	aws    aws.Config
	clock  clock.Clock
	bucket string
}

const (
	// emptyDigest is the SHA-256 of no body.
	emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// maxObject is the largest object that is read, in bytes: more than a built frontend has in any one file.
	maxObject = 64 << 20
	// gets is how often a GET is sent at most, where an earlier one failed in a way that passes.
	gets = 3
	// breath is how long the second one waits; each later one twice as long as that before it.
	breath = 100 * time.Millisecond
)

// object is one of a listing.
type object struct {
	Key          string
	Size         int64
	LastModified time.Time
}

// list gives the objects under a prefix, and the prefixes of those in folders below it, which end with "/".
func (o released) list(prefix string) (files []object, folders []string, err error) {
	query := url.Values{"list-type": {"2"}, "delimiter": {"/"}, "prefix": {prefix}}
	for {
		text, err := o.read("", query)
		if err != nil {
			return nil, nil, err
		}
		var page struct {
			Contents              []object
			CommonPrefixes        []struct{ Prefix string }
			NextContinuationToken string
		}
		if err := xml.Unmarshal(text, &page); err != nil {
			return nil, nil, &fault.Error{Code: fault.Unavailable, Text: "S3's listing does not decode", Err: err}
		}
		files = append(files, page.Contents...)
		for _, p := range page.CommonPrefixes {
			folders = append(folders, p.Prefix)
		}
		if page.NextContinuationToken == "" {
			return files, folders, nil
		}
		query.Set("continuation-token", page.NextContinuationToken)
	}
}

// get reads an object. One that isn't there is fs.ErrNotExist.
func (o released) get(key string) ([]byte, error) { return o.read(key, nil) }

func (o released) read(key string, query url.Values) ([]byte, error) {
	ctx, cancel := o.clock.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := 1; ; n++ {
		content, err := o.once(ctx, key, query)
		if err == nil || n == gets || !fault.Is(err, fault.Unavailable) || o.clock.Sleep(ctx, breath<<n) != nil {
			return content, err
		}
	}
}

func (o released) once(ctx context.Context, key string, query url.Values) ([]byte, error) {
	request, err := o.signed(ctx, key, query)
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: "the request to S3 can't be made", Err: err}
	}
	answer, err := o.aws.HTTPClient.Do(request)
	if err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "S3 did not answer", Err: err}
	}
	defer func() { _ = answer.Body.Close() }() // it is only read
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return nil, fs.ErrNotExist
	case answer.StatusCode >= 500, answer.StatusCode == http.StatusTooManyRequests:
		return nil, fault.New(fault.Unavailable, "S3 answered with status %d", answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return nil, fault.New(fault.Internal, "S3 answered with status %d", answer.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxObject+1))
	switch {
	case err != nil:
		return nil, &fault.Error{Code: fault.Unavailable, Text: "S3's answer broke off", Err: err}
	case len(content) > maxObject:
		return nil, &fault.Error{Code: fault.Internal, Text: "the object is larger than " + strconv.Itoa(maxObject) + " bytes", Err: errors.ErrUnsupported}
	}
	return content, nil
}

// signed is a GET of an object, or of the bucket with a query, in path style: a bucket's name may hold dots, and a
// certificate's wildcard may not stand for them.
func (o released) signed(ctx context.Context, key string, query url.Values) (*http.Request, error) {
	base := "https://s3." + o.aws.Region + ".amazonaws.com"
	if o.aws.BaseEndpoint != nil {
		base = strings.TrimRight(*o.aws.BaseEndpoint, "/")
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	at.Path = at.Path + "/" + o.bucket + "/" + key
	at.RawPath = escapedPath(at.Path)
	at.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("x-amz-content-sha256", emptyDigest)
	who, err := o.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	return request, v4.NewSigner().SignHTTP(ctx, who, request, emptyDigest, "s3", o.aws.Region, o.clock.Now(),
		func(s *v4.SignerOptions) { s.DisableURIPathEscaping = true })
}

// escapedPath escapes all but the unreserved characters and "/", as the signature wants it.
func escapedPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
	}
	return strings.Join(parts, "/")
}
