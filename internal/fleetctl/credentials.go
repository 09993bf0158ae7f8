package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// credentials prove to the API who sends a request.
type credentials interface {
	// prove adds the proof to a request with the given body.
	prove(ctx context.Context, r *http.Request, body []byte) error
	// String says which they are, without what is secret of them.
	String() string
}

// bearer is a token.
type bearer struct{ token, source string }

func (b bearer) prove(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer "+b.token)
	return nil
}

func (b bearer) String() string { return "the token of " + b.source }

// service is API Gateway's name in signatures.
const service = "execute-api"

// signed signs by SigV4 with the operator's own AWS credentials.
type signed struct {
	profile, region string
	host            string
	now             func() time.Time
	by              aws.Credentials // what it last signed with
}

// regional finds the region in the host name that API Gateway gives an API.
var regional = regexp.MustCompile(`\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)

func (s *signed) prove(ctx context.Context, r *http.Request, body []byte) error {
	var options []func(*config.LoadOptions) error
	if s.profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.profile))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return fmt.Errorf("your AWS configuration can't be read: %w", err)
	}
	if s.region == "" {
		if s.region = c.Region; regional.MatchString(s.host) {
			s.region = regional.FindStringSubmatch(s.host)[1]
		}
	}
	if s.region == "" {
		return wrong("in which region is the API? Say --region, or set AWS_REGION")
	}
	if s.by, err = c.Credentials.Retrieve(ctx); err != nil {
		return fmt.Errorf("there are no AWS credentials to sign with: log in (aws sso login, or aws configure), or name a profile by --profile: %w", err)
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, s.by, r, hex.EncodeToString(sum[:]), service, s.region, s.now())
}

func (s *signed) String() string {
	if s.by.AccessKeyID == "" {
		return "your AWS credentials"
	}
	return fmt.Sprintf("the AWS access key …%s of %s, in %s", s.by.AccessKeyID[max(0, len(s.by.AccessKeyID)-4):], s.by.Source, s.region)
}
