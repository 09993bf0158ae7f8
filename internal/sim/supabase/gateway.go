package supabase

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// answer is what an operation gives back.
type answer struct {
	status int
	body   any // JSON; nil for none
	code   string
	header http.Header
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// failed is an error of the Management API or of a gateway.
func failed(status int, text string) answer {
	return answer{status: status, body: map[string]any{"message": text}}
}

// invalid is a refused request; every complaint is listed.
func invalid(texts ...string) answer {
	return answer{status: http.StatusBadRequest, body: map[string]any{"message": texts}}
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.code != "" {
		w.Header().Set("X-Sb-Error-Code", a.code)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	// A caller who has gone doesn't matter.
	_ = json.NewEncoder(w).Encode(a.body)
}

func message(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "ThrottlerException: Too Many Requests"
	case http.StatusUnauthorized:
		return "Unauthorized"
	case http.StatusForbidden:
		return "Forbidden resource"
	}
	return http.StatusText(status)
}

// largest is the largest request body taken, in bytes.
const largest = 1 << 20

// largestFile is the largest request body that Storage takes, in bytes.
const largestFile = 50 << 20

// managed routes an operation of the Management API: after the usual latency it checks rate and token.
func (s *Sim) managed(pattern, operation string, h func(*http.Request) answer) {
	s.router.Handle(pattern, operation, func(w http.ResponseWriter, r *http.Request) {
		if !s.pause(r, operation) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, largest)
		limits, allowed := s.count()
		var a answer
		switch {
		case !allowed:
			a = failed(http.StatusTooManyRequests, message(http.StatusTooManyRequests))
		case r.Header.Get("Authorization") != "Bearer "+s.token():
			a = failed(http.StatusUnauthorized, message(http.StatusUnauthorized))
		default:
			a = h(r)
		}
		a.header = limits
		a.write(w)
	})
}

// one finds the project that the path names and runs h on it under the mutex.
func (s *Sim) one(h func(r *http.Request, p *project, now time.Time) answer) func(*http.Request) answer {
	return func(r *http.Request) answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.find(r.PathValue("ref"))
		if p == nil {
			return noProject()
		}
		return h(r, p, s.options.Clock.Now())
	}
}

func noProject() answer { return failed(http.StatusNotFound, "Project not found") }

// originDNS is the status of the content network when a project's own host name leads nowhere.
const originDNS = 530

// served routes an operation of a project's own endpoint: it checks that the service is up and the API key valid.
func (s *Sim) served(pattern, operation, service string, h func(*http.Request) answer) {
	s.gated(pattern, operation, service, func(w http.ResponseWriter, r *http.Request) { h(r).write(w) })
}

// files routes an operation of Storage whose answer is more than a document.
func (s *Sim) files(pattern, operation string, h http.HandlerFunc) {
	s.gated(pattern, operation, "storage", h)
}

func (s *Sim) gated(pattern, operation, service string, h http.HandlerFunc) {
	most := int64(largest)
	if service == "storage" {
		most = largestFile
	}
	s.router.Handle(pattern, operation, func(w http.ResponseWriter, r *http.Request) {
		if !s.pause(r, operation) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if refusal, refused := s.gate(r, service); refused {
			refusal.write(w)
			return
		}
		h(w, r)
	})
}

// gate is the gateway before a project's services.
func (s *Sim) gate(r *http.Request, service string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	key := r.Header.Get("Apikey")
	switch {
	case p == nil:
		return failed(originDNS, "The project's host name can't be resolved"), true
	case !p.healthy(service, s.options.Clock.Now()):
		return failed(http.StatusServiceUnavailable, "name resolution failed"), true
	case key == "":
		return answer{status: http.StatusUnauthorized, body: map[string]any{
			"message": "No API key found in request",
			"hint":    "No `apikey` request header or url param was found.",
		}}, true
	case p.Keys.LegacyOff && p.Keys.legacy(key):
		return answer{status: http.StatusUnauthorized, body: map[string]any{
			"message": "Legacy API keys are disabled",
			"hint":    "Your legacy API keys (anon, service_role) were disabled. Use the publishable and secret keys.",
		}}, true
	case !p.Keys.known(key):
		return answer{status: http.StatusUnauthorized, body: map[string]any{
			"message": "Invalid API key", "hint": "Double check your Supabase `anon` or `service_role` API key.",
		}}, true
	}
	return answer{}, false
}

// pause takes the time that a call takes, whether its caller waits or not; it never holds the mutex meanwhile.
func (s *Sim) pause(r *http.Request, operation string) bool {
	s.mu.Lock()
	s.answered[operation]++
	n := s.answered[operation]
	s.mu.Unlock()
	d := between(s.random("answer", operation, strconv.FormatUint(n, 10)), s.options.Answer/2, s.options.Answer)
	return s.options.Clock.Sleep(context.WithoutCancel(r.Context()), d) == nil
}

// window counts the calls of the running minute.
type window struct {
	begun time.Time
	calls int
}

// usualRate is the calls a minute that the vendor's headers tell of.
const usualRate = 120

// count counts a call and tells the rate limit as the vendor's headers do, the reset in seconds from now.
func (s *Sim) count() (http.Header, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	if s.window.begun.IsZero() || now.Sub(s.window.begun) >= time.Minute {
		s.window = window{begun: now}
	}
	s.window.calls++
	limit := s.settings.PerMinute
	if limit == 0 {
		limit = usualRate
	}
	left := time.Minute - now.Sub(s.window.begun)
	h := http.Header{}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(limit-s.window.calls, 0)))
	h.Set("X-Ratelimit-Reset", strconv.Itoa(int((left+time.Second-1)/time.Second)))
	return h, s.settings.PerMinute == 0 || s.window.calls <= limit
}

var refs = regexp.MustCompile(`^[a-z]{20}$`)

type originKey struct{}

// routed puts a project's reference from the host name into the path, so that both forms have the same routes.
func routed(r *http.Request) *http.Request {
	label, _, _ := strings.Cut(r.Host, ".")
	if !refs.MatchString(label) {
		return r
	}
	ctx := context.WithValue(r.Context(), originKey{}, "https://"+r.Host)
	r = r.WithContext(ctx)
	u := *r.URL
	u.Path = "/project/" + label + u.Path
	if u.RawPath != "" {
		u.RawPath = "/project/" + label + u.RawPath
	}
	r.URL = &u
	return r
}

// origin is the base URL by which the caller reached a project.
func origin(r *http.Request) string {
	if o, ok := r.Context().Value(originKey{}).(string); ok {
		return o
	}
	return "http://" + r.Host + "/project/" + r.PathValue("ref")
}

// decode reads a JSON body into v.
func decode(r *http.Request, v any, strict bool) error {
	d := json.NewDecoder(r.Body)
	if strict {
		d.DisallowUnknownFields()
	}
	return d.Decode(v)
}
