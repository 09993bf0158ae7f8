// Package files keeps customers' exports, the audit archive, and the history of configurations in buckets of S3.
package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included. A part of an upload is some megabytes.
const patience = 30 * time.Second

// Exports puts the bucket of exports into env, Archive the audit archive, and History that of configurations.
func Exports(p onaws.Parts, env *step.Env) { env.Exports = New(p.AWS, p.Clock, p.Config.Exports) }

// Archive puts the audit archive into env.
func Archive(p onaws.Parts, env *step.Env) { env.Archive = New(p.AWS, p.Clock, p.Config.Archive) }

// History puts the history of configurations into env.
func History(p onaws.Parts, env *step.Env) { env.History = New(p.AWS, p.Clock, p.Config.History) }

// operation is one of S3's. The store holds operations, not the client, as package onaws does.
type operation[In, Out any] = func(context.Context, *In, ...func(*s3.Options)) (*Out, error)

type store struct {
	clock    clock.Clock
	bucket   string
	put      operation[s3.PutObjectInput, s3.PutObjectOutput]
	begin    operation[s3.CreateMultipartUploadInput, s3.CreateMultipartUploadOutput]
	part     operation[s3.UploadPartInput, s3.UploadPartOutput]
	complete operation[s3.CompleteMultipartUploadInput, s3.CompleteMultipartUploadOutput]
	abort    operation[s3.AbortMultipartUploadInput, s3.AbortMultipartUploadOutput]
	head     operation[s3.HeadObjectInput, s3.HeadObjectOutput]
	get      operation[s3.GetObjectInput, s3.GetObjectOutput]
	list     operation[s3.ListObjectsV2Input, s3.ListObjectsV2Output]
	link     func(context.Context, *s3.GetObjectInput, ...func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error)
}

// New is the store in a bucket.
func New(config aws.Config, c clock.Clock, bucket string) objects.Store {
	client := s3.NewFromConfig(config, func(o *s3.Options) {
		o.UsePathStyle = true // a bucket's name may hold dots, and a certificate's wildcard may not stand for them
		// A caller that reads a part of an object, or from a link, can't have its checksum checked.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return store{clock: c, bucket: bucket, put: client.PutObject, begin: client.CreateMultipartUpload, part: client.UploadPart,
		complete: client.CompleteMultipartUpload, abort: client.AbortMultipartUpload, head: client.HeadObject, get: client.GetObject,
		list: client.ListObjectsV2, link: s3.NewPresignClient(client).PresignGetObject}
}

// failed is the error of a call. S3 has no body, and so no code, in the answer to a HEAD.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		switch refused.ErrorCode() {
		case "NotFound", "NoSuchKey", "NoSuchUpload":
			return fs.ErrNotExist
		case "PreconditionFailed":
			return objects.ErrExists
		case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidRange", "InvalidRequest", "NoSuchBucket", "Forbidden":
			return &fault.Error{Code: fault.Internal, Text: operation + " was refused: " + refused.ErrorCode(), Err: err}
		}
	}
	return onaws.Failed(operation, err)
}

func (s store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return s.clock.WithTimeout(ctx, patience)
}

func (s store) Put(ctx context.Context, key string, body []byte) error {
	return s.putIf(ctx, key, body, nil)
}

func (s store) PutOnce(ctx context.Context, key string, body []byte) error {
	return s.putIf(ctx, key, body, aws.String("*"))
}

func (s store) putIf(ctx context.Context, key string, body []byte, unlike *string) error {
	if err := objects.CheckKey(key); err != nil {
		return err
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	// A bucket under Object Lock wants a checksum of what is written; the client adds one.
	_, err := s.put(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body), IfNoneMatch: unlike})
	return failed("PutObject", err)
}

func (s store) Begin(ctx context.Context, key string) (string, error) {
	if err := objects.CheckKey(key); err != nil {
		return "", err
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	answer, err := s.begin(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	if err != nil {
		return "", failed("CreateMultipartUpload", err)
	}
	return aws.ToString(answer.UploadId), nil
}

func (s store) Part(ctx context.Context, key, upload string, number int, body []byte) (objects.Part, error) {
	if number < 1 || number > objects.MaxParts {
		return objects.Part{}, fault.New(fault.Internal, "there is no part %d", number)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	answer, err := s.part(ctx, &s3.UploadPartInput{Bucket: &s.bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(number)),
		Body: bytes.NewReader(body)})
	if err != nil {
		return objects.Part{}, failed("UploadPart", err)
	}
	return objects.Part{Number: number, Tag: aws.ToString(answer.ETag)}, nil
}

func (s store) Complete(ctx context.Context, key, upload string, parts []objects.Part) error {
	if len(parts) == 0 {
		return fault.New(fault.Internal, "an upload's parts must be there, in the order of their numbers")
	}
	var all []types.CompletedPart
	for _, p := range parts {
		all = append(all, types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: &p.Tag})
	}
	bounded, cancel := s.bound(ctx)
	defer cancel()
	_, err := s.complete(bounded, &s3.CompleteMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &upload,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: all}})
	err = failed("CompleteMultipartUpload", err)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = s.Head(ctx, key) // by an earlier try of this very call
	}
	return err
}

func (s store) Abort(ctx context.Context, key, upload string) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	_, err := s.abort(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &upload})
	if err = failed("AbortMultipartUpload", err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s store) Head(ctx context.Context, key string) (objects.Object, error) {
	if err := objects.CheckKey(key); err != nil {
		return objects.Object{}, err
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	answer, err := s.head(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return objects.Object{}, failed("HeadObject", err)
	}
	return objects.Object{Key: key, Size: aws.ToInt64(answer.ContentLength), Tag: aws.ToString(answer.ETag)}, nil
}

// Read is bounded by ctx alone: how long it takes is up to whoever reads.
func (s store) Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	o, err := s.Head(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case offset < 0 || offset > o.Size:
		return nil, fault.New(fault.Internal, "an object of %d bytes has nothing at %d", o.Size, offset)
	case offset == o.Size: // S3 has no range for it
		return io.NopCloser(strings.NewReader("")), nil
	}
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	if offset > 0 {
		in.Range = aws.String("bytes=" + strconv.FormatInt(offset, 10) + "-")
	}
	answer, err := s.get(ctx, in)
	if err != nil {
		return nil, failed("GetObject", err)
	}
	return answer.Body, nil
}

func (s store) List(ctx context.Context, prefix string) (all []objects.Object, err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
	for {
		page, err := s.list(ctx, in)
		if err != nil {
			return nil, failed("ListObjectsV2", err)
		}
		for _, o := range page.Contents {
			all = append(all, objects.Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size)})
		}
		if aws.ToString(page.NextContinuationToken) == "" {
			return all, nil
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

// Link is signed with the function's own credentials: it ends with them, at the latest.
func (s store) Link(ctx context.Context, key, name string, valid time.Duration) (string, error) {
	if _, err := s.Head(ctx, key); err != nil {
		return "", err
	}
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	signed, err := s.link(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, ResponseContentDisposition: &disposition},
		s3.WithPresignExpires(valid))
	if err != nil {
		return "", failed("PresignGetObject", err)
	}
	return signed.URL, nil
}
