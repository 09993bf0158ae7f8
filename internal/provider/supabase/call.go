package supabase

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// request is one call. in is sent as JSON unless nil; the answer is decoded into out unless nil.
type request struct {
	operation string
	method    string
	path      string
	in, out   any
	// file is sent as it is, in the place of in.
	file *Object
	// raw is sent as it is, in the place of either.
	raw []byte
	// extra goes into the header, over what is there otherwise.
	extra http.Header
	// failure tells why an answer whose status is no success failed; nil stands for Client.failure.
	failure func(operation string, res *http.Response, body []byte, readErr error) error

	url    string
	header http.Header
}

// completable is an answer that knows whether it holds what the operation's answers must hold.
type completable interface{ complete() bool }

// reply is the answer of a call that succeeded, with the whole body.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// exchange does the call and translates every failure into a *fault.Error.
func (c *Client) exchange(ctx context.Context, r request) (reply, error) {
	req, err := r.build(ctx)
	if err != nil {
		return reply{}, unsent(r.operation, fault.Internal, "the request can't be built", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, provider.Failed(Name, r.operation, err)
	}
	body, err := read(res)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		if r.failure == nil {
			r.failure = c.failure
		}
		return reply{}, r.failure(r.operation, res, body, err)
	}
	if err != nil {
		return reply{}, unusable(r.operation, res.StatusCode, "the answer can't be read", err)
	}
	return reply{res.StatusCode, res.Header, body}, nil
}

// send does the call and decodes its answer.
func (c *Client) send(ctx context.Context, r request) error {
	got, err := c.exchange(ctx, r)
	if err != nil || r.out == nil {
		return err
	}
	// Unmarshal, unlike a Decoder, refuses what follows the document.
	if err := json.Unmarshal(got.body, r.out); err != nil {
		return unusable(r.operation, got.status, "the answer can't be decoded", err)
	}
	if a, ok := r.out.(completable); ok && !a.complete() {
		return unusable(r.operation, got.status, "the answer is incomplete", nil)
	}
	return nil
}

func (r request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.in != nil {
		data, err := json.Marshal(r.in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	if r.file != nil {
		body = bytes.NewReader(r.file.Content)
	}
	if r.raw != nil {
		body = bytes.NewReader(r.raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, err
	}
	req.Header = r.header
	req.Header.Set("Accept", "application/json")
	if r.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.file != nil {
		r.file.describe(req.Header)
	}
	for name, values := range r.extra {
		req.Header[name] = values
	}
	return req, nil
}

// read takes a whole answer, whose length the transport bounds.
func read(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(res.Body)
	// Whatever closing says, the body has been read or not; only that counts.
	_ = res.Body.Close()
	return body, err
}

// unsent is a failure before anything was sent.
func unsent(operation string, code fault.Code, text string, err error) error {
	return provider.Unsent(Name, operation, code, text, err)
}

// unusable is a success that can't be understood: the call may well have taken effect.
func unusable(operation string, status int, text string, err error) error {
	return &fault.Error{Code: fault.Unavailable, Vendor: Name, Operation: operation, Status: status, Text: text, Err: err}
}
