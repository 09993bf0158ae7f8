package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Healthy is Health's Status when all is well.
const Healthy = "healthy"

// Health is what an instance says about itself at /api/health.
type Health struct {
	Status     string // "healthy", or what it is instead
	InstanceID string // the instance whose frontend answers
	Supabase   string // "connected"
	Database   string // "healthy"
	Auth       string // "operational"
	Version    string // of the release that is deployed
}

type healthDocument struct {
	Status     string `json:"status"`
	InstanceID string `json:"instance_id"`
	Supabase   string `json:"supabase"`
	Database   string `json:"database"`
	Auth       string `json:"auth"`
	Version    string `json:"version"`
}

// Health asks host's health endpoint. An instance that says of itself that it isn't well is no error: its answer's
// Status says so. Its errors are those of Handshake; an endpoint that isn't there is NotReady, 429 is Throttled, and
// an answer that cannot be understood is Unavailable.
func (c *Client) Health(ctx context.Context, host string) (Health, error) {
	const operation = "GetHealth"
	res, body, err := c.get(ctx, operation, host, "/api/health")
	if err != nil {
		return Health{}, err
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusServiceUnavailable:
		if health, ok := parse(body); ok && (res.StatusCode == http.StatusOK || health.Status != Healthy) {
			return health, nil
		}
		return Health{}, &fault.Error{
			Code: fault.Unavailable, Vendor: vendor, Operation: operation, Status: res.StatusCode,
			Text: "the answer cannot be understood",
		}
	}
	f := provider.Answered(vendor, operation, res.StatusCode, "", retryAfter(res.Header))
	if f.Code == fault.Rejected { // not deployed, not let through: the operation's deadline decides
		f.Code, f.Text = fault.NotReady, "no health endpoint yet"
	}
	return Health{}, f
}

func parse(body []byte) (Health, bool) {
	var document healthDocument
	if json.Unmarshal(body, &document) != nil {
		return Health{}, false
	}
	for _, word := range []string{
		document.Status, document.InstanceID, document.Supabase, document.Database, document.Auth, document.Version,
	} {
		if !isWord(word) {
			return Health{}, false
		}
	}
	return Health(document), document.Status != ""
}

// isWord keeps anything longer or stranger than a word out of logs and records.
func isWord(text string) bool {
	const longest = 100
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(text) <= longest
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 12)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
