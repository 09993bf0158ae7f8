package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// maxAnswer is the largest answer that is read, in bytes: API Gateway gives no more than 10 MB.
const maxAnswer = 16 << 20

// call is one invocation of fleetctl.
type call struct {
	ctx      context.Context
	flags    flags
	terminal terminal
	clock    clock.Clock
	// now is the API's time, once it answered: it may be scaled, or this machine's clock off.
	now time.Time
}

// get asks for a document. It gives the document as it came, and decoded into into.
func (c *call) get(path string, query url.Values, into any) (json.RawMessage, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.send(http.MethodGet, path, nil, into)
}

// post asks for a change. It is sent once: whether a request whose answer was lost had its effect is for a person to see.
func (c *call) post(path string, document, into any) (json.RawMessage, error) {
	body := []byte("{}")
	if document != nil {
		var err error
		if body, err = json.Marshal(document); err != nil {
			return nil, err
		}
	}
	return c.send(http.MethodPost, path, body, into)
}

func (c *call) send(method, path string, body []byte, into any) (json.RawMessage, error) {
	to, err := c.target()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.clock.WithTimeout(c.ctx, c.flags.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, to.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "fleetctl")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if err := to.by.prove(ctx, r, body); err != nil {
		return nil, err
	}
	// The signature is for this host alone, and a redirected POST would be another request.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, c.unanswered(to, method, err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close() // it was read
	if err != nil {
		return nil, c.unanswered(to, method, err)
	}
	c.now = c.clock.Now()
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		c.now = at.UTC()
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, c.refused(to, answer.StatusCode, text)
	}
	if into == nil {
		return text, nil
	}
	if err := decode(text, into); err != nil {
		return nil, fmt.Errorf("%s answered %d with what is no document of the operators' API: is that its address?", to.base, answer.StatusCode)
	}
	return text, nil
}

// unanswered is the error of a request without an answer, with what to do.
func (c *call) unanswered(to target, method string, err error) error {
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	then := "check the address and the network"
	switch {
	case to.local != "":
		then = fmt.Sprintf("nothing serves from %s any more: start it by \"make serve\"", to.local)
	case errors.Is(err, syscall.ECONNREFUSED):
		then = "nothing listens there: check the address"
	case errors.Is(err, context.DeadlineExceeded):
		then = fmt.Sprintf("it took longer than %v: try again, or allow more by --timeout", c.flags.Timeout)
	}
	if method == http.MethodPost && !errors.Is(err, syscall.ECONNREFUSED) {
		then += "; the change may have been made all the same, so look first"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%s does not answer: %w\n%s", to.base, err, then)
}

// document prints the API's document as it came.
func (c *call) document(text json.RawMessage) error {
	_, err := c.terminal.out.Write(append(bytes.TrimRight(text, "\n"), '\n'))
	return err
}
