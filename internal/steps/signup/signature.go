package signup

import (
	"context"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// tolerance is how far a webhook's timestamp may be off, either way.
const tolerance = 5 * time.Minute

const (
	// mostSecrets may be valid at once: the one in use, and the one before it while the sender changes over.
	mostSecrets = 2
	// shortest is the length of a secret in bytes that Standard Webhooks want at least.
	// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	shortest = 24
)

// ids are the webhook ids that are taken. The full stop separates what is signed, so that an id with one could be read in two ways.
var ids = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[!-\-/-~]{1,200}$`) })

// verify checks the webhook's signature and age and gives its id. A secret that doesn't fit is read anew before the webhook is
// refused, since it may just have been changed.
func verify(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest, body []byte) (string, error) {
	headers := http.Header{}
	for _, name := range []string{webhooks.HeaderWebhookID, webhooks.HeaderWebhookTimestamp, webhooks.HeaderWebhookSignature} {
		headers.Set(name, httpapi.Header(r, name))
	}
	secret, err := env.Provider.Credential(ctx, step.WebhookSecret)
	if err != nil {
		return "", err
	}
	signed, err := signedWith(ctx, env, secret, body, headers)
	if err == nil && !signed {
		if fresh, changed := env.Provider.Reread(ctx, step.WebhookSecret, secret); changed {
			signed, err = signedWith(ctx, env, fresh, body, headers)
		}
	}
	switch {
	case err != nil:
		return "", err
	case !signed:
		return "", httpapi.Refuse(http.StatusUnauthorized, fault.Rejected, "the webhook's signature is missing or wrong")
	}
	seconds, err := strconv.ParseInt(headers.Get(webhooks.HeaderWebhookTimestamp), 10, 64)
	if age := env.Clock.Now().Sub(time.Unix(seconds, 0)).Abs(); err != nil || age > tolerance {
		return "", httpapi.Refuse(http.StatusUnauthorized, fault.Rejected, "the webhook's timestamp is more than 5 minutes off: sign it anew")
	}
	id := headers.Get(webhooks.HeaderWebhookID)
	if !ids().MatchString(id) {
		return "", httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "the webhook's id must be 1 to 200 visible ASCII characters without a full stop")
	}
	return id, nil
}

// signedWith reports whether one of the webhook's signatures is by one of the secrets, which white space separates. A secret that
// is none is passed over while there is another, and told in the log: a slip in the new one must not take down the old one.
func signedWith(ctx context.Context, env step.Env, secrets provider.Secret, body []byte, headers http.Header) (bool, error) {
	hooks, all := hooksOf(secrets)
	if len(hooks) == 0 || all > mostSecrets {
		return false, fault.New(fault.Internal, "the credential %s holds no secret of Standard Webhooks, or more than %d", step.WebhookSecret, mostSecrets)
	}
	if len(hooks) < all {
		env.Log.ErrorContext(ctx, "one of the webhook secrets is no secret of Standard Webhooks: whsec_ and base64 of 24 bytes or more")
	}
	for _, hook := range hooks {
		// The library compares timestamps with the machine's clock, so only the signature is left to it.
		if hook.VerifyIgnoringTimestamp(body, headers) == nil {
			return true, nil
		}
	}
	return false, nil
}

// hooksOf are those of a credential's secrets that are any, and how many words it has.
func hooksOf(secrets provider.Secret) (hooks []*webhooks.Webhook, all int) {
	words := strings.Fields(secrets.Reveal())
	for _, word := range words {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(word, "whsec_"))
		if err != nil || len(key) < shortest { // an empty one would let everybody in
			continue
		}
		if hook, err := webhooks.NewWebhookRaw(key); err == nil {
			hooks = append(hooks, hook)
		}
	}
	return hooks, len(words)
}
