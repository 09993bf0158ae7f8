package vercel

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is what a call answers: a JSON document, or nothing if body is nil.
type answer struct {
	status int
	body   any
	header http.Header
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the caller may have gone
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

type object = map[string]any

// failure is Vercel's error document; extra holds what some errors add to code and message.
func failure(status int, code, message string, extra object) answer {
	document := object{"code": code, "message": message}
	for key, value := range extra {
		document[key] = value
	}
	return answer{status: status, body: object{"error": document}}
}

func notFound(message string) answer { return failure(http.StatusNotFound, "not_found", message, nil) }

func badRequest(message string) answer {
	return failure(http.StatusBadRequest, "bad_request", message, nil)
}

// gateway is what Vercel's gateway answers in the API's stead.
func gateway(status int, retryAfter time.Duration) answer {
	code := map[int]string{
		http.StatusTooManyRequests:     "rate_limited",
		http.StatusForbidden:           "forbidden",
		http.StatusNotFound:            "not_found",
		http.StatusPaymentRequired:     "payment_required",
		http.StatusInternalServerError: "internal_server_error",
	}[status]
	if code == "" {
		code = "unexpected"
	}
	a := failure(status, code, http.StatusText(status), nil)
	if retryAfter > 0 {
		a.header = http.Header{"Retry-After": {strconv.Itoa(int((retryAfter + time.Second - 1) / time.Second))}}
	}
	return a
}

// limited counts the call, answers it under the mutex or refuses it, and tells how many are left.
func (s *Sim) limited(w http.ResponseWriter, handle func() answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Limit <= 0 {
		return handle()
	}
	now := s.now()
	if now.Sub(s.state.Window) >= time.Minute {
		s.state.Window, s.state.Calls = now, 0
	}
	s.state.Calls++
	reset := s.state.Window.Add(time.Minute)
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(s.config.Limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, s.config.Limit-s.state.Calls)))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10))
	if s.state.Calls > s.config.Limit {
		return gateway(http.StatusTooManyRequests, reset.Sub(now))
	}
	return handle()
}

// largestBody is more than any of the calls takes.
const largestBody = 32 << 20

func readBody(r *http.Request) ([]byte, *answer) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, largestBody+1))
	switch {
	case err != nil:
		refusal := badRequest("the body cannot be read")
		return nil, &refusal
	case len(body) > largestBody:
		refusal := failure(http.StatusRequestEntityTooLarge, "payload_too_large", "the body is too large", nil)
		return nil, &refusal
	}
	return body, nil
}

// decode reads a JSON body strictly: Vercel refuses fields that it doesn't know.
func decode(body []byte, into any) *answer {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		refusal := badRequest("Invalid request: " + err.Error())
		return &refusal
	}
	if _, err := d.Token(); err != io.EOF {
		refusal := badRequest("Invalid request: more than one document")
		return &refusal
	}
	return nil
}

func milliseconds(t time.Time) int64 { return t.UnixMilli() }
