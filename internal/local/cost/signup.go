package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
)

// provision sends the sample signup, approves it, and waits until nothing moves any more.
func (t *theatre) provision(ctx context.Context) (id string, err error) {
	body, err := events.Signup()
	if err != nil {
		return "", err
	}
	hook, err := webhooks.NewWebhook(t.secret)
	if err != nil {
		return "", err
	}
	const webhook = "msg_cost"
	now := t.clock.Now()
	signature, err := hook.Sign(webhook, now, body)
	if err != nil {
		return "", err
	}
	text, err := t.post(ctx, "/signups", body, map[string]string{"Content-Type": "application/json", webhooks.HeaderWebhookID: webhook,
		webhooks.HeaderWebhookTimestamp: strconv.FormatInt(now.Unix(), 10), webhooks.HeaderWebhookSignature: signature})
	if err != nil {
		return "", err
	}
	var signup struct{ ID string }
	if err := json.Unmarshal(text, &signup); err != nil {
		return "", err
	}
	if _, err := t.post(ctx, "/signups/"+signup.ID+"/approve", nil, map[string]string{"Authorization": "Bearer " + t.token}); err != nil {
		return "", err
	}
	return signup.ID, t.world.Settle(ctx)
}

// post sends a request to the HTTP front, in-process.
func (t *theatre) post(ctx context.Context, path string, body []byte, header map[string]string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.world.PublicURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	a := answer{header: http.Header{}}
	t.world.Front().ServeHTTP(&a, request)
	if a.status != http.StatusAccepted {
		return nil, fmt.Errorf("%s answered with status %d", path, a.status)
	}
	return a.body.Bytes(), nil
}

// answer is a http.ResponseWriter that keeps what it gets.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
