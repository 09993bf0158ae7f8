package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
)

const (
	// answerWithin is how long the HTTP front may take, in the machine's time.
	answerWithin = 30 * time.Second
	// sendings is how often a request is sent while the front answers that it can't now; pause is between them.
	sendings = 4
	pause    = 500 * time.Millisecond
)

// client talks to the HTTP front as its users do: the signup form's server and an operator.
type client struct {
	base        string
	clock       clock.Clock // the fleet's, for the webhook's timestamp
	credentials credentials
}

// progress is what the front tells of a signup.
type progress struct {
	ID        string `json:"id"`
	Slug      string `json:"slug"`
	Status    string `json:"status"`
	Reason    string `json:"reason"`
	URL       string `json:"url"`
	StatusURL string `json:"status_url"`
}

// refusal is an answer of the front that isn't a success.
type refusal struct{ httpapi.Problem }

func (r refusal) Error() string {
	text := fmt.Sprintf("%d %s", r.Status, r.Title)
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	for _, field := range slices.Sorted(maps.Keys(r.Fields)) {
		text += fmt.Sprintf("\n  %s: %s", field, r.Fields[field])
	}
	return text
}

// signings is how often a webhook is signed whose answer says that its signature is not good: it may have been under way for so long that
// its time is off, on a machine with more to do, where minutes of the fleet's time are seconds.
const signings = 3

// signup sends the signed webhook. The same id again is the same signup.
func (c client) signup(ctx context.Context, id string, body []byte) (p progress, err error) {
	hook, err := webhooks.NewWebhook(c.credentials[step.WebhookSecret])
	if err != nil {
		return p, fmt.Errorf("the webhook's secret: %w", err)
	}
	for range signings {
		at := c.clock.Now()
		signature, failed := hook.Sign(id, at, body)
		if failed != nil {
			return p, fmt.Errorf("sign the webhook: %w", failed)
		}
		err = c.send(ctx, http.MethodPost, c.base+"/signups", body, map[string]string{
			"Content-Type":                  "application/json",
			webhooks.HeaderWebhookID:        id,
			webhooks.HeaderWebhookTimestamp: strconv.FormatInt(at.Unix(), 10),
			webhooks.HeaderWebhookSignature: signature,
		}, &p)
		if r, refused := errors.AsType[refusal](err); !refused || r.Status != http.StatusUnauthorized {
			break
		}
	}
	return p, err
}

// status asks the status URL.
func (c client) status(ctx context.Context, url string) (p progress, err error) {
	err = c.send(ctx, http.MethodGet, url, nil, nil, &p)
	return p, err
}

// approve approves a signup as operator.
func (c client) approve(ctx context.Context, id string) (p progress, err error) {
	err = c.post(ctx, "/signups/"+id+"/approve", nil, &p)
	return p, err
}

// reject rejects it, with a reason.
func (c client) reject(ctx context.Context, id, reason string) (p progress, err error) {
	err = c.post(ctx, "/signups/"+id+"/reject", map[string]string{"reason": reason}, &p)
	return p, err
}

// post sends an operator's wish, and a document with it unless that is nil.
func (c client) post(ctx context.Context, path string, document, into any) error {
	var body []byte
	if document != nil {
		var err error
		if body, err = json.Marshal(document); err != nil {
			return err
		}
	}
	return c.send(ctx, http.MethodPost, c.base+path, body, c.operator(), into)
}

// get asks as operator, and again while the front can't answer.
func (c client) get(ctx context.Context, path string, into any) error {
	return c.send(ctx, http.MethodGet, c.base+path, nil, c.operator(), into)
}

func (c client) operator() map[string]string {
	return map[string]string{"Authorization": "Bearer " + c.credentials[step.OperatorToken]}
}

// send sends a request, and again while the front can't answer: each of them may be repeated.
func (c client) send(ctx context.Context, method, url string, body []byte, header map[string]string, into any) error {
	for sent := 1; ; sent++ {
		again, err := c.once(ctx, method, url, body, header, into)
		if !again || sent == sendings || ctx.Err() != nil {
			return err
		}
		if err := clock.System().Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// once sends a request; again tells whether it is worth sending it once more.
func (c client) once(ctx context.Context, method, url string, body []byte, header map[string]string, into any) (again bool, err error) {
	ctx, cancel := clock.System().WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return true, fmt.Errorf("the HTTP front does not answer: %w", err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		return true, fmt.Errorf("the HTTP front's answer broke off: %w", err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		r := refusal{httpapi.Problem{Title: strings.TrimSpace(http.StatusText(res.StatusCode))}}
		_ = json.Unmarshal(text, &r.Problem) // what is no problem document has its status to tell
		r.Status = res.StatusCode
		if res.StatusCode == http.StatusConflict && res.Header.Get("Retry-After") != "" { // its first delivery is under way
			return true, r
		}
		return res.StatusCode >= http.StatusInternalServerError, r
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, fmt.Errorf("the HTTP front's answer does not decode: %w", err)
	}
	return false, nil
}
