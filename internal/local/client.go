package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// signup sends the signed webhook. The same id again is the same signup.
func (c client) signup(ctx context.Context, id string, body []byte) (progress, error) {
	hook, err := webhooks.NewWebhook(c.credentials[step.WebhookSecret])
	if err != nil {
		return progress{}, fmt.Errorf("the webhook's secret: %w", err)
	}
	at := c.clock.Now()
	signature, err := hook.Sign(id, at, body)
	if err != nil {
		return progress{}, fmt.Errorf("sign the webhook: %w", err)
	}
	return c.send(ctx, http.MethodPost, c.base+"/signups", body, map[string]string{
		"Content-Type":                  "application/json",
		webhooks.HeaderWebhookID:        id,
		webhooks.HeaderWebhookTimestamp: strconv.FormatInt(at.Unix(), 10),
		webhooks.HeaderWebhookSignature: signature,
	})
}

// status asks the status URL.
func (c client) status(ctx context.Context, url string) (progress, error) {
	return c.send(ctx, http.MethodGet, url, nil, nil)
}

// approve approves a signup as operator.
func (c client) approve(ctx context.Context, id string) (progress, error) {
	return c.send(ctx, http.MethodPost, c.base+"/signups/"+id+"/approve", nil, c.operator())
}

// reject rejects it, with a reason.
func (c client) reject(ctx context.Context, id, reason string) (progress, error) {
	body, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return progress{}, err
	}
	return c.send(ctx, http.MethodPost, c.base+"/signups/"+id+"/reject", body, c.operator())
}

func (c client) operator() map[string]string {
	return map[string]string{"Authorization": "Bearer " + c.credentials[step.OperatorToken]}
}

// send sends a request, and again while the front can't answer: each of them may be repeated.
func (c client) send(ctx context.Context, method, url string, body []byte, header map[string]string) (progress, error) {
	for sent := 1; ; sent++ {
		p, again, err := c.once(ctx, method, url, body, header)
		if !again || sent == sendings || ctx.Err() != nil {
			return p, err
		}
		if err := clock.System().Sleep(ctx, pause); err != nil {
			return p, err
		}
	}
}

func (c client) once(ctx context.Context, method, url string, body []byte, header map[string]string) (p progress, again bool, err error) {
	ctx, cancel := clock.System().WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return p, false, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return p, true, fmt.Errorf("the HTTP front does not answer: %w", err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		return p, true, fmt.Errorf("the HTTP front's answer broke off: %w", err)
	}
	if res.StatusCode >= 300 {
		r := refusal{httpapi.Problem{Title: strings.TrimSpace(http.StatusText(res.StatusCode))}}
		_ = json.Unmarshal(text, &r.Problem) // what is no problem document has its status to tell
		r.Status = res.StatusCode
		if res.StatusCode == http.StatusConflict && res.Header.Get("Retry-After") != "" { // its first delivery is under way
			return p, true, r
		}
		return p, res.StatusCode >= 500, r
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, false, fmt.Errorf("the HTTP front's answer does not decode: %w", err)
	}
	return p, false, nil
}
