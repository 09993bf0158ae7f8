package vercel

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// refusal is Vercel's error document. Its message is free text and never read.
type refusal struct {
	Error struct {
		Code    string   `json:"code"`
		Missing []string `json:"missing"` // only with missing_files
	} `json:"error"`
}

// MissingFiles is the cause of a CreateDeployment fault when the deployment names files that were never uploaded.
// Find it with errors.AsType.
type MissingFiles struct {
	Digests []string // SHA-1, in hexadecimal
}

func (m *MissingFiles) Error() string {
	return strconv.Itoa(len(m.Digests)) + " files are not uploaded"
}

// refused translates an answer that is no success, whose body may have broken off before it was whole.
func (c *Client) refused(operation string, res *http.Response, body []byte, whole bool) error {
	var document refusal
	_ = json.Unmarshal(body, &document) // a page that is no error document has no code
	code := provider.Code(document.Error.Code)
	f := provider.Answered(vendor, operation, res.StatusCode, code, c.retryAfter(res.Header))
	switch {
	case res.StatusCode == http.StatusNotFound && code == "" && (!whole || len(bytes.TrimSpace(body)) > 0):
		// The page of something on the way, not Vercel's word that there is no such resource: no 404 for our callers.
		provider.Strange(f)
	case res.StatusCode == http.StatusConflict, code == "ENV_CONFLICT":
		f.Code, f.Text = fault.Conflict, "already there, or in the way"
	case res.StatusCode == http.StatusPaymentRequired:
		f.Code, f.Text = fault.QuotaExceeded, "the plan does not allow it"
	case code == "missing_files":
		f.Text, f.Err = "files are not uploaded", &MissingFiles{Digests: digests(document.Error.Missing)}
	}
	return f
}

var digestShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{40}$`) })

func digests(named []string) []string {
	var found []string
	for _, d := range named {
		if d = strings.ToLower(d); digestShape().MatchString(d) {
			found = append(found, d)
		}
	}
	return found
}

// longestRetryAfter bounds what a vendor may ask for: Vercel's buckets are minutes, an hour is a mistake or a ban.
const longestRetryAfter = time.Hour

// retryAfter reads how long Vercel asks to wait: Retry-After in seconds or as a date, else X-RateLimit-Reset, seconds
// since 1970, once X-RateLimit-Remaining is used up. It is 0 where nothing was asked for.
func (c *Client) retryAfter(h http.Header) time.Duration {
	var wait time.Duration
	asked := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(asked, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(asked); err == nil {
		wait = at.Sub(c.config.Clock.Now())
	} else if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		wait = time.Unix(reset, 0).Sub(c.config.Clock.Now())
	}
	return min(max(wait, 0), longestRetryAfter)
}
