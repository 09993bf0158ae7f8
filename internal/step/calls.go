package step

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
)

type logKey struct{}

// withLog puts the log into ctx whose lines name the function, and the instance and operation it works on.
func withLog(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, logKey{}, log)
}

// About lets what is logged under ctx name an instance and an operation that the invocation's payload doesn't name: one that it
// came by itself, or that it began.
func About(ctx context.Context, in fleet.RunInput) context.Context {
	log, ok := ctx.Value(logKey{}).(*slog.Logger)
	if !ok {
		return ctx
	}
	if who, ok := ctx.Value(callerKey{}).(caller); ok {
		ctx = withCaller(ctx, who.class, in.InstanceID)
	}
	return withLog(ctx, log.With("instance", in.InstanceID, "operation", in.OperationID, "epoch", in.Epoch))
}

// LogCalls logs each call of a vendor that goes by next, once: whose, method and path, status, how long until its answer began, and
// the vendor's own id of the request, by which its support finds it. The line names what Invoke and About say. No query, header
// or body is logged: they may hold anything.
func LogCalls(c clock.Clock, places provider.Endpoints, next http.RoundTripper) http.RoundTripper {
	return calls{c, places, next}
}

type calls struct {
	clock  clock.Clock
	places provider.Endpoints
	next   http.RoundTripper
}

func (t calls) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := t.clock.Now()
	answer, err := t.next.RoundTrip(r)
	log, ok := r.Context().Value(logKey{}).(*slog.Logger)
	if !ok { // nobody's who logs
		return answer, err
	}
	vendor := t.places.Vendor(r.URL)
	attributes := []slog.Attr{slog.String("vendor", vendor), slog.String("method", r.Method), slog.String("path", impersonal(r.URL.Path)),
		slog.Duration("took", t.clock.Now().Sub(begun))}
	if err != nil {
		attributes = append(attributes, slog.String("failure", failure(vendor, err)))
	} else {
		attributes = append(attributes, slog.Int("status", answer.StatusCode), slog.String("vendor_request", requestID(answer.Header)))
	}
	log.LogAttrs(r.Context(), slog.LevelInfo, "vendor call", attributes...)
	return answer, err
}

// failure says why there is no answer, in words of Fleet's own.
func failure(vendor string, err error) string {
	f, _ := errors.AsType[*fault.Error](provider.Failed(vendor, "", err)) // it always is one
	return f.Text
}

// requestIDs are the headers in which vendors name a request, those first that are the vendor's own and not its front's.
var requestIDs = []string{"Sb-Request-Id", "X-Vercel-Id", "Twilio-Request-Id", "X-Message-Id", "X-Request-Id", "Cf-Ray"}

// requestID is the vendor's own id of a request, empty where it has none. What can't be one is left out.
func requestID(h http.Header) string {
	for _, name := range requestIDs {
		id := h.Get(name)
		if id != "" && len(id) <= 200 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return id
		}
	}
	return ""
}

// impersonal is a path without what may be somebody's mail address or telephone number. None of the clients puts one there today.
func impersonal(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "@+") {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
