package sendgrid

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// problem is one entry of an error document.
type problem struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Whoever asked may be gone.
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with an error document; field is empty where no field is to blame.
func refuse(w http.ResponseWriter, status int, field, message string) {
	p := problem{Message: message}
	if field != "" {
		p.Field = &field
	}
	answer(w, status, map[string][]problem{"errors": {p}})
}

// Fail answers as SendGrid's gateway does. SendGrid has no Retry-After: the rate limit's header says when it ends.
func (s *Sim) Fail(w http.ResponseWriter, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("X-RateLimit-Reset", epoch(s.options.Clock.Now().Add(retryAfter)))
	}
	message := "internal error"
	switch status {
	case http.StatusTooManyRequests:
		message = "too many requests"
	case http.StatusForbidden:
		message = "access forbidden"
	}
	refuse(w, status, "", message)
}

// epoch writes an instant as whole seconds since 1970, rounded up.
func epoch(at time.Time) string {
	return strconv.FormatInt(at.Add(time.Second-time.Nanosecond).Unix(), 10)
}

// window counts the calls of one operation for the rate limit.
type window struct {
	Start time.Time `json:"start"`
	Calls int       `json:"calls"`
}

// admit counts a call, writes the rate limit's headers, and refuses the call if there were too many in this minute.
func (s *Sim) admit(w http.ResponseWriter, operation string) bool {
	now := s.options.Clock.Now()
	s.mu.Lock()
	win := s.state.Windows[operation]
	if now.Sub(win.Start) >= time.Minute {
		win = window{Start: now}
	}
	win.Calls++
	s.state.Windows[operation] = win
	s.mu.Unlock()

	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(s.config.Calls))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(s.config.Calls-win.Calls, 0)))
	w.Header().Set("X-RateLimit-Reset", epoch(win.Start.Add(time.Minute)))
	if win.Calls > s.config.Calls {
		s.Fail(w, http.StatusTooManyRequests, 0)
		return false
	}
	return true
}

// decode reads a request's body into to, or refuses it.
func decode(w http.ResponseWriter, r *http.Request, to any) bool {
	const longest = 30 << 20
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(to) != nil {
		refuse(w, http.StatusBadRequest, "", "Bad Request")
		return false
	}
	return true
}

// page cuts a list by the query's limit and offset.
func page[T any](w http.ResponseWriter, query url.Values, list []T) ([]T, bool) {
	const most = 500
	limit, offset := most, 0
	for name, to := range map[string]*int{"limit": &limit, "offset": &offset} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < 0 {
			refuse(w, http.StatusBadRequest, name, "must be a number")
			return nil, false
		}
		*to = n
	}
	offset = min(offset, len(list))
	return list[offset:min(offset+min(limit, most), len(list))], true
}
