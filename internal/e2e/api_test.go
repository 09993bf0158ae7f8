//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/internal/step"
)

// api is Fleet's HTTP API, as the signup form's server and operators use it.
type api struct {
	base        string
	client      *http.Client
	credentials map[string]string
	operator    aws.Credentials // of an IAM user who may call the API
	stranger    aws.Credentials // of one who may not
}

// operatorARN is who the operator is, in the audit.
const operatorARN = "arn:aws:iam::" + account + ":user/operator"

// openAPI makes the two IAM users. The operator's policy is the one that the README tells to give.
func openAPI(ctx context.Context, e *emulator, id string, credentials map[string]string) (*api, error) {
	users := iam.NewFromConfig(e.root())
	user := func(name string) (aws.Credentials, error) {
		if _, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
			return aws.Credentials{}, err
		}
		made, err := users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
		if err != nil {
			return aws.Credentials{}, err
		}
		return aws.Credentials{AccessKeyID: *made.AccessKey.AccessKeyId, SecretAccessKey: *made.AccessKey.SecretAccessKey}, nil
	}
	a := &api{base: "https://" + id + ".execute-api.localhost" + e.address[len("127.0.0.1"):], client: e.client(), credentials: credentials}
	var err error
	if a.operator, err = user("operator"); err != nil {
		return nil, err
	}
	if a.stranger, err = user("stranger"); err != nil {
		return nil, err
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:%s:%s:%s/*"}]}`,
		region, account, id)
	_, err = users.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("operator"), PolicyName: aws.String("fleet-operators"), PolicyDocument: &policy})
	return a, err
}

// answer is what the API answered.
type answer struct {
	status int
	body   map[string]any
}

func (a answer) text(field string) string {
	text, _ := a.body[field].(string)
	return text
}

// signup sends a signed webhook.
func (a *api) signup(ctx context.Context, id string, body []byte) (answer, error) {
	hook, err := webhooks.NewWebhook(a.credentials[step.WebhookSecret])
	if err != nil {
		return answer{}, err
	}
	at := time.Now()
	signature, err := hook.Sign(id, at, body)
	if err != nil {
		return answer{}, err
	}
	return a.send(ctx, http.MethodPost, "/signups", body, http.Header{"Content-Type": {"application/json"},
		webhooks.HeaderWebhookID:        {id},
		webhooks.HeaderWebhookTimestamp: {strconv.FormatInt(at.Unix(), 10)},
		webhooks.HeaderWebhookSignature: {signature}}, aws.Credentials{})
}

// send sends a request, signed by IAM's rules if there are credentials.
func (a *api) send(ctx context.Context, method, path string, body []byte, header http.Header, by aws.Credentials) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if by.HasKeys() {
		digest := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(ctx, by, request, hex.EncodeToString(digest[:]), "execute-api", region, time.Now()); err != nil {
			return answer{}, err
		}
	}
	got, err := a.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(got.Body)
	_ = got.Body.Close() // it was read
	if err != nil {
		return answer{}, err
	}
	out := answer{status: got.StatusCode}
	if err := json.Unmarshal(text, &out.body); err != nil {
		return out, fmt.Errorf("%s %s answered %d: %s", method, path, got.StatusCode, text)
	}
	return out, nil
}
