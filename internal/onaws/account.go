package onaws

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/project-gimbal/fleet/internal/fault"
)

// account is the configuration of the AWS clients, from what Lambda puts into a function's environment: AWS_REGION and the
// credentials of its role, which last longer than the process does. AWS_ENDPOINT_URL leads to an emulator; parse refuses it in production.
//
// The SDK's own search for these would find the same here, but brings four services' clients along for the other places
// where a person's credentials may be.
func account(lookup func(string) string) (aws.Config, error) {
	c := aws.Config{Region: lookup("AWS_REGION"), HTTPClient: &http.Client{Transport: awsTransport()}}
	if c.Region == "" || lookup("AWS_ACCESS_KEY_ID") == "" || lookup("AWS_SECRET_ACCESS_KEY") == "" {
		return c, fault.New(fault.Internal, "AWS_REGION, AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set, which Lambda does")
	}
	c.Credentials = aws.NewCredentialsCache(static.NewStaticCredentialsProvider(lookup("AWS_ACCESS_KEY_ID"),
		lookup("AWS_SECRET_ACCESS_KEY"), lookup("AWS_SESSION_TOKEN")))
	if url := lookup("AWS_ENDPOINT_URL"); url != "" {
		c.BaseEndpoint = &url
	}
	return c, nil
}
