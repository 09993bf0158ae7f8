package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

const (
	// answerWithin is how long the API may take, in the machine's time: as API Gateway does.
	answerWithin = 30 * time.Second
	// maxAnswer is the largest answer that is read, in bytes.
	maxAnswer = 16 << 20
)

// api is Fleet's HTTP API.
type api struct{ base string }

// problem is the API's refusal (RFC 9457), or, with status 0, that it didn't answer.
type problem struct {
	Status int               `json:"status"`
	Title  string            `json:"title"`
	Detail string            `json:"detail"`
	Fields map[string]string `json:"fields"`
	// again is when the same request may be sent once more, as the answer's Retry-After says; 0 where it says nothing.
	again time.Duration
}

func (p problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// unanswered is what people are told where there is no answer. What a proxy or a library says of it is nothing for them.
var unanswered = problem{Title: "Fleet does not answer", Detail: "Fleet did not answer in time. Look whether it was done all the same before you try again."}

// call sends a request, with the given headers, decodes the answer, and gives its headers. Its errors are problems.
func (a api) call(ctx context.Context, method, path string, header http.Header, body []byte, into any) (http.Header, error) {
	ctx, cancel := clock.System().WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, unanswered
	}
	if header != nil {
		r.Header = header.Clone()
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, unanswered
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close() // it was read
	if err != nil {
		return nil, unanswered
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		p := problem{}
		if json.Unmarshal(text, &p) != nil || p.Error() == "" {
			p = problem{Title: http.StatusText(answer.StatusCode), Detail: "Something went wrong in Fleet; its log says what. Try again in a moment."}
		}
		p.Status = answer.StatusCode
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
			p.again = time.Duration(seconds) * time.Second
		}
		return nil, p
	}
	if err := json.Unmarshal(text, into); into != nil && err != nil {
		return nil, problem{Status: http.StatusBadGateway, Title: "Fleet's answer can't be read"}
	}
	return answer.Header, nil
}

// operator is the API as one operator uses it.
type operator struct {
	api
	token string
}

func (o operator) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + o.token}}
}

func (o operator) get(ctx context.Context, path string, into any) error {
	_, err := o.call(ctx, http.MethodGet, path, o.header(), nil, into)
	return err
}

func (o operator) post(ctx context.Context, path string, document, into any) error {
	body := []byte("{}")
	if document != nil {
		var err error
		if body, err = json.Marshal(document); err != nil {
			return problem{Status: http.StatusBadRequest, Title: "The request can't be written"}
		}
	}
	_, err := o.call(ctx, http.MethodPost, path, o.header(), body, into)
	return err
}

// refused is the problem that an error is.
func refused(err error) problem {
	if p, ok := errors.AsType[problem](err); ok {
		return p
	}
	return unanswered
}
