package cloudflare_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
)

// answers is a vendor that answers what the function says, as JSON.
type answers func(r *http.Request) (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	header := http.Header{"Content-Type": {"application/json"}}
	if strings.HasPrefix(body, "<") {
		header.Set("Content-Type", "text/html")
	}
	if status == http.StatusTooManyRequests {
		header.Set("Ratelimit", `"default";r=0;t=42`)
	}
	if status/100 == 3 {
		header.Set("Location", "https://elsewhere.example.com/")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestCodes(t *testing.T) {
	body := func(code int) string {
		return fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":"token %s"}],"messages":[],"result":null}`, code, token)
	}
	for _, test := range []struct {
		status int
		body   string
		code   fault.Code
		vendor string
	}{
		{400, body(81053), fault.Conflict, "81053"},
		{400, body(81054), fault.Conflict, "81054"},
		{400, body(81056), fault.Conflict, "81056"},
		{400, body(81057), fault.Conflict, "81057"},
		{409, body(81058), fault.Conflict, "81058"},
		{400, body(81045), fault.QuotaExceeded, "81045"},
		{400, `{"errors":[{"code":1004,"error_chain":[{"code":9021}]}]}`, fault.Rejected, "1004"},
		{400, `{"errors":[{"code":1004,"error_chain":[{"code":81045}]}]}`, fault.QuotaExceeded, "81045"},
		{403, body(10000), fault.Rejected, "10000"},
		{400, body(6003), fault.Rejected, "6003"},
		{401, "<html>" + token + "</html>", fault.Rejected, ""},
		{404, "", fault.Rejected, ""},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.vendor), func(t *testing.T) {
			client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return test.status, test.body })))
			_, err := client.CreateRecord(attempt(t), cname)
			assertFault(t, err, "CreateRecord", test.code, true, 0)
			if f := err.(*fault.Error); f.VendorCode != test.vendor || f.Status != test.status {
				t.Errorf("code %q, status %d; want %q, %d", f.VendorCode, f.Status, test.vendor, test.status)
			}
		})
	}
}

// TestStrangersPageIsNotGone: a 404 that isn't Cloudflare's own says nothing about the record, or of rules.
func TestStrangersPageIsNotGone(t *testing.T) {
	for _, page := range []string{"<html>404 Not Found</html>", `{"message":"no route"}`, `{"errors":[`} {
		client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return 404, page })))
		err := client.DeleteRecord(attempt(t), "0123456789abcdef0123456789abcdef")
		assertFault(t, err, "DeleteRecord", fault.Unavailable, false, 0)
		_, err = client.RateLimits(attempt(t))
		assertFault(t, err, "GetEntryPoint", fault.Unavailable, false, 0)
		if provider.NotFound(err) {
			t.Errorf("%s passes for the vendor's 404", page)
		}
	}
}

// TestGoneIsDeleted: an absent record is deleted, however Cloudflare says it; one it may not delete is not.
func TestGoneIsDeleted(t *testing.T) {
	for _, test := range []struct {
		status, code int
		gone         bool
	}{{404, 81044, true}, {400, 81044, true}, {404, 7003, true}, {403, 10000, false}, {500, 81044, false}} {
		body := fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":"x"}],"messages":[],"result":null}`, test.code)
		client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return test.status, body })))
		if err := client.DeleteRecord(attempt(t), "0123456789abcdef0123456789abcdef"); (err == nil) != test.gone {
			t.Errorf("HTTP %d, code %d: %v", test.status, test.code, err)
		}
	}
}

func TestRateLimitHeader(t *testing.T) {
	client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return 429, "<html>" })))
	_, err := client.FindRecords(t.Context(), "", host)
	assertFault(t, err, "ListRecords", fault.Throttled, true, 42*time.Second)
}

// TestUnusableAnswers has the vendor answer what is no answer: the effect may have happened.
func TestUnusableAnswers(t *testing.T) {
	record := `{"id":"0123456789abcdef0123456789abcdef","type":"CNAME","name":"acme.gimbal.app","content":"x.example.com","proxied":false}`
	whole := `{"success":true,"errors":[],"messages":[],"result":` + record + `}`
	if _, err := cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, whole }))).CreateRecord(attempt(t), cname); err != nil {
		t.Fatalf("a whole answer: %v", err)
	}
	bodies := map[string]string{
		"html":        "<html><body>502 Bad Gateway</body></html>",
		"empty":       "",
		"truncated":   whole[:len(whole)/2],
		"null":        `{"success":true,"result":null}`,
		"no result":   `{"success":true}`,
		"no success":  strings.Replace(whole, "true", "false", 1),
		"wrong types": strings.Replace(whole, `"name":"acme.gimbal.app"`, `"name":7`, 1),
		"no id":       strings.Replace(whole, `"id"`, `"ID number"`, 1),
		"path as id":  strings.Replace(whole, "0123456789abcdef0123456789abcdef", "../../../user", 1),
		"other name":  strings.Replace(whole, host, "acme.gimbal.app.gimbal.app", 1),
		"a list":      `{"success":true,"result":[` + record + `]}`,
		"10 MB":       whole[:len(whole)-1] + strings.Repeat(" ", 10<<20) + "}",
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			client := cloudflare.New(config(answers(func(r *http.Request) (int, string) { return 200, body })))
			_, err := client.CreateRecord(attempt(t), cname)
			assertFault(t, err, "CreateRecord", fault.Unavailable, false, 0)
			assertFault(t, client.DeleteRecord(attempt(t), "ffffffffffffffffffffffffffffffff"), "DeleteRecord", fault.Unavailable, false, 0)
			if name != "a list" {
				_, err = client.FindRecords(t.Context(), "", host)
				assertFault(t, err, "ListRecords", fault.Unavailable, false, 0)
			}
		})
	}
	for _, status := range []int{201, 204, 301, 307, 500, 503, 408} {
		client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return status, whole })))
		_, err := client.CreateRecord(attempt(t), cname)
		assertFault(t, err, "CreateRecord", fault.Unavailable, false, 0)
	}
}

func TestEndlessListEnds(t *testing.T) {
	calls := 0
	client := cloudflare.New(config(answers(func(r *http.Request) (int, string) {
		calls++
		return 200, `{"success":true,"result":[{"id":"a","type":"TXT","name":"x"}],"result_info":{"total_count":1000000}}`
	})))
	_, err := client.FindRecords(t.Context(), "", host)
	assertFault(t, err, "ListRecords", fault.Unavailable, false, 0)
	if calls > 100 {
		t.Errorf("%d calls", calls)
	}
}

// TestEnvironmentStaysOut: the SDK's root client reads these variables.
func TestEnvironmentStaysOut(t *testing.T) {
	for _, name := range []string{"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY"} {
		t.Setenv(name, "from-the-environment")
	}
	t.Setenv("CLOUDFLARE_BASE_URL", "https://elsewhere.example.com")
	var sent *http.Request
	client := cloudflare.New(config(answers(func(r *http.Request) (int, string) {
		sent = r
		return 200, `{"success":true,"result":[]}`
	})))
	must[[]cloudflare.Record](t)(client.FindRecords(t.Context(), "", host))
	if sent.URL.Host != "api.cloudflare.com" || sent.Header.Get("Authorization") != "Bearer "+token {
		t.Errorf("sent to %s with %q", sent.URL.Host, sent.Header.Get("Authorization"))
	}
	if strings.Contains(fmt.Sprint(sent.Header), "environment") {
		t.Error("a credential of the environment was sent")
	}
	if got := sent.URL.Query(); got.Get("name.exact") != host || got.Get("per_page") != "100" {
		t.Errorf("the query is %v", got)
	}
}

func TestCredentialNotToBeHad(t *testing.T) {
	c := config(answers(func(*http.Request) (int, string) { t.Error("a request was sent"); return 500, "" }))
	c.Credential = func(context.Context, string) (provider.Secret, error) { return provider.Secret{}, io.ErrUnexpectedEOF }
	_, err := cloudflare.New(c).CreateRecord(attempt(t), cname)
	assertFault(t, err, "CreateRecord", fault.Unavailable, true, 0)
}

// FuzzAnswers: whatever the vendor answers, the client gives records that are whole or a fault.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"success":true,"result":[{"id":"a1","type":"CNAME","name":"acme.gimbal.app","content":"x"}]}`)
	f.Add(200, `{"success":true,"result":{"id":"a1","type":"CNAME","name":"acme.gimbal.app","content":"x"}}`)
	f.Add(200, `{"success":true,"result":null,"result_info":{"total_count":-1}}`)
	f.Add(400, `{"success":false,"errors":[{"code":1004,"error_chain":[{"code":81058}]}]}`)
	f.Add(429, `{"errors":[]}`)
	f.Add(302, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return status, body })))
		found, err := client.FindRecords(t.Context(), "", host)
		for _, r := range found {
			if r.ID == "" || strings.Contains(r.ID, "/") || r.Type == "" || !strings.EqualFold(r.Name, host) {
				t.Errorf("found %+v", r)
			}
		}
		made, err2 := client.CreateRecord(attempt(t), cname)
		if (err2 == nil) == (made.ID == "") {
			t.Errorf("made %+v, error %v", made, err2)
		}
		for _, err := range []error{err, err2, client.DeleteRecord(attempt(t), "a1")} {
			if _, ok := err.(*fault.Error); err != nil && !ok {
				t.Errorf("%T is no fault", err)
			}
		}
	})
}
