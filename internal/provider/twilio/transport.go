package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// transport carries one SDK call. It sends it to Fleet's endpoint, under the caller's context, with the query as the
// caller wrote it: the SDK cuts ".<digits>" out of query values, so that a filter for "fleet.1" would look for "fleet".
// Whatever isn't a 2xx becomes a fault here, since the SDK takes a 3xx for a success, loses status and headers of
// errors, and can't read an error page that is not JSON.
type transport struct {
	ctx       context.Context // of the call: the SDK has no place for it
	operation string
	base      *url.URL
	query     url.Values
	next      http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(t.ctx)
	out.URL.Scheme, out.URL.Host = t.base.Scheme, t.base.Host
	out.URL.Path, out.URL.RawPath = strings.TrimSuffix(t.base.Path, "/")+req.URL.Path, ""
	out.URL.RawQuery = t.query.Encode()
	out.Host = ""
	answer, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, provider.Failed(vendor, t.operation, err)
	}
	body, err := readAll(answer.Body)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		// However the body broke off, the status says enough.
		return nil, answered(t.operation, answer.StatusCode, answer.Header, body)
	}
	if err != nil {
		return nil, provider.Failed(vendor, t.operation, err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	return answer, nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	b, err := io.ReadAll(body)
	return b, errors.Join(err, body.Close())
}

// answered translates a failing answer by its status and by the code in Twilio's error document
// {"code":20003,"message":…,"more_info":…,"status":401}; the message is not read.
func answered(operation string, status int, header http.Header, body []byte) *fault.Error {
	var document struct {
		Code int `json:"code"`
	}
	vendorCode := ""
	if json.Unmarshal(body, &document) == nil && document.Code > 0 {
		vendorCode = strconv.Itoa(document.Code)
	}
	f := provider.Answered(vendor, operation, status, vendorCode, retryAfter(header))
	if f.Code != fault.Rejected {
		return f
	}
	switch vendorCode {
	case codeAccountLimit:
		f.Code, f.Text = fault.QuotaExceeded, "no further subaccounts"
	case codeServiceLimit:
		f.Code, f.Text = fault.QuotaExceeded, "no further Messaging Services in all subaccounts together"
	case codeClosed:
		f.Code, f.Text = fault.Conflict, "the account is closed"
	case codeSuspendedByOwner, codeParentSuspended:
		f.Code, f.Text = fault.Conflict, "the account is suspended by Twilio or through its parent"
	}
	return f
}

// retryAfter reads Retry-After in seconds. Twilio promises none on its 429s; a gateway may send one.
func retryAfter(header http.Header) time.Duration {
	const longest = 3600
	n, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, longest)) * time.Second
}
