package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// envelope is what surrounds every answer of Cloudflare's.
type envelope struct {
	Success    *bool           `json:"success"`
	Result     json.RawMessage `json:"result"`
	ResultInfo *struct {
		TotalCount *int `json:"total_count"`
	} `json:"result_info"`
}

// decode reads a success. One that says it is none, or has no result, is none.
func decode(body []byte) (*envelope, bool) {
	var e envelope
	if json.Unmarshal(body, &e) != nil || (e.Success != nil && !*e.Success) || len(e.Result) == 0 {
		return nil, false
	}
	return &e, true
}

// wireRecord is a DNS record as Cloudflare answers it.
type wireRecord struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	Comment string `json:"comment"`
	Proxied bool   `json:"proxied"`
}

// identifier is what Cloudflare's documents allow for an id, and what can't lead elsewhere in a path: the SDK doesn't
// escape it.
var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z]{1,32}$`) })

// record checks that w has what every record has.
func (w wireRecord) record() (Record, bool) {
	if !identifier().MatchString(w.ID) || w.Type == "" || w.Name == "" {
		return Record{}, false
	}
	return Record(w), true
}

// decodeRecord reads the result of a call that answers one record.
func decodeRecord(e *envelope) (Record, bool) {
	var w wireRecord
	if json.Unmarshal(e.Result, &w) != nil {
		return Record{}, false
	}
	return w.record()
}

// decodeRecords reads the result of a list. A null list is not taken for an empty one: that would lead to doubles.
func decodeRecords(e *envelope) ([]Record, bool) {
	var list []wireRecord
	if json.Unmarshal(e.Result, &list) != nil || list == nil {
		return nil, false
	}
	records := make([]Record, 0, len(list))
	for _, w := range list {
		r, ok := w.record()
		if !ok {
			return nil, false
		}
		records = append(records, r)
	}
	return records, true
}

// Cloudflare's codes that mean something to Fleet.
const (
	codeAbsent       = 81044 // record does not exist
	codeQuota        = 81045 // record quota exceeded
	codeHostTaken    = 81053 // an A, AAAA or CNAME record with that host exists
	codeCNAMETaken   = 81054 // a CNAME record with that host exists
	codeDelegated    = 81056 // NS records with that host exist
	codeExists       = 81057 // the record exists
	codeExistsWholly = 81058 // an identical record exists
)

// refused translates a failing answer, whose body may have broken off before it was whole.
func (c *Client) refused(operation string, answer *http.Response, body []byte, whole bool) *fault.Error {
	codes := errorCodes(body)
	code := decisive(codes)
	text := ""
	if code != 0 {
		text = strconv.FormatInt(code, 10)
	}
	var after time.Duration
	if answer.StatusCode == http.StatusTooManyRequests {
		after = c.retryAfter(answer.Header)
	}
	f := provider.Answered(vendor, operation, answer.StatusCode, text, after)
	if answer.StatusCode == http.StatusNotFound && len(codes) == 0 && (!whole || len(bytes.TrimSpace(body)) > 0) {
		provider.Strange(f)
	}
	if f.Code != fault.Rejected {
		return f
	}
	switch code {
	case codeHostTaken, codeCNAMETaken, codeDelegated, codeExists, codeExistsWholly:
		f.Code, f.Text = fault.Conflict, "the name has a record already"
	case codeQuota:
		f.Code, f.Text = fault.QuotaExceeded, "the zone is full"
	}
	return f
}

// errorCodes lists the codes of an error answer: validation errors hide theirs in a chain below 1004.
func errorCodes(body []byte) []int64 {
	type coded struct {
		Code int64 `json:"code"`
	}
	var e struct {
		Errors []struct {
			coded
			Chain []coded `json:"error_chain"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	var codes []int64
	for _, err := range e.Errors {
		codes = append(codes, err.Code)
		for _, inner := range err.Chain {
			codes = append(codes, inner.Code)
		}
	}
	return codes
}

// decisive is the first code that means something to Fleet, or else the first; 0 if there is none.
func decisive(codes []int64) int64 {
	known := []int64{codeAbsent, codeQuota, codeHostTaken, codeCNAMETaken, codeDelegated, codeExists, codeExistsWholly,
		codeRulesFull, codeRulesetThere}
	for _, code := range codes {
		if slices.Contains(known, code) {
			return code
		}
	}
	if len(codes) > 0 {
		return codes[0]
	}
	return 0
}

// retryAfter is how long Cloudflare wants to be left alone: its Retry-After header, in seconds or as a date, or else
// the seconds to the next window in its Ratelimit header, as in `"default";r=0;t=30`.
func (c *Client) retryAfter(header http.Header) time.Duration {
	if d, ok := seconds(header.Get("Retry-After")); ok {
		return d
	}
	if at, err := http.ParseTime(header.Get("Retry-After")); err == nil {
		return within(at.Sub(c.clock.Now()))
	}
	for _, part := range strings.Split(header.Get("Ratelimit"), ";") {
		if t, ok := strings.CutPrefix(strings.TrimSpace(part), "t="); ok {
			d, _ := seconds(t)
			return d
		}
	}
	return 0
}

func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, false
	}
	return within(time.Duration(n) * time.Second), true
}

// within keeps a duration that a vendor named between nothing and a day.
func within(d time.Duration) time.Duration { return min(max(d, 0), 24*time.Hour) }

// deleted reports whether e is the answer to the removal of id, which names nothing but the id.
func deleted(e *envelope, id string) bool {
	var result struct {
		ID string `json:"id"`
	}
	return json.Unmarshal(e.Result, &result) == nil && result.ID == id
}

// isCode reports whether Cloudflare refused a call with that code.
func isCode(err error, code int64) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Code == fault.Rejected && f.VendorCode == strconv.FormatInt(code, 10)
}
