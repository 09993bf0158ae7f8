package cloudflare

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// envelope surrounds every answer.
type envelope struct {
	Result     any         `json:"result"`
	Success    bool        `json:"success"`
	Errors     []problem   `json:"errors"`
	Messages   []problem   `json:"messages"`
	ResultInfo *resultInfo `json:"result_info,omitempty"`
}

type problem struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []problem `json:"error_chain,omitempty"`
}

type resultInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

func answer(w http.ResponseWriter, status int, e envelope) {
	if e.Errors == nil {
		e.Errors = []problem{}
	}
	e.Messages = []problem{}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Whoever asked may be gone.
	_ = json.NewEncoder(w).Encode(e)
}

func succeed(w http.ResponseWriter, result any) {
	answer(w, http.StatusOK, envelope{Success: true, Result: result})
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, envelope{Errors: []problem{{Code: code, Message: message}}})
}

// invalid refuses a record as Cloudflare's validation does: 1004, with the reason chained below.
func invalid(w http.ResponseWriter, reason problem) {
	answer(w, http.StatusBadRequest, envelope{
		Errors: []problem{{Code: 1004, Message: "DNS Validation Error", Chain: []problem{reason}}},
	})
}

// Fail answers as Cloudflare's gateway does. Its codes are made up: the vendor documents none, so clients must go by
// the status.
func (s *Sim) Fail(w http.ResponseWriter, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(retryAfter)))
	}
	code, message := 1000, http.StatusText(status)
	switch status {
	case http.StatusTooManyRequests:
		code, message = 10429, "Please wait and consider throttling your request speed"
	case http.StatusForbidden:
		code, message = 10000, "Authentication error"
	}
	refuse(w, status, code, message)
}

func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// period is the length of the rate limit's window, and of the refusal when it is exceeded.
const period = 5 * time.Minute

// window counts calls for the rate limit.
type window struct {
	Start   time.Time `json:"start"`
	Calls   int       `json:"calls"`
	Refused time.Time `json:"refused"` // until when everything is
}

// admit counts a call, writes the rate limit's headers, and refuses the call if there were too many.
func (s *Sim) admit(w http.ResponseWriter) bool {
	now := s.options.Clock.Now()
	s.mu.Lock()
	win := &s.state.Window
	if now.Sub(win.Start) >= period {
		win.Start, win.Calls = now, 0
	}
	win.Calls++
	if win.Calls > s.config.Calls && !now.Before(win.Refused) {
		win.Refused = now.Add(period)
	}
	left, wait := max(s.config.Calls-win.Calls, 0), win.Refused.Sub(now)
	reset := wholeSeconds(max(win.Start.Add(period).Sub(now), wait))
	s.mu.Unlock()

	if wait > 0 {
		left = 0
	}
	w.Header().Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, left, reset))
	w.Header().Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, s.config.Calls, int(period.Seconds())))
	if wait > 0 {
		s.Fail(w, http.StatusTooManyRequests, wait)
		return false
	}
	return true
}
