package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// noon is when all of these tests' APIs answer.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// fakeAPI answers requests by method and path, and keeps what was asked.
type fakeAPI struct {
	*httptest.Server
	answers map[string]answer
	asked   []asked
}

type answer struct {
	status int
	body   string
}

type asked struct {
	line, body string
	header     http.Header
}

func newFakeAPI(t *testing.T, answers map[string]answer) *fakeAPI {
	t.Helper()
	f := &fakeAPI{answers: answers}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.RequestURI()
		f.asked = append(f.asked, asked{line, string(body), r.Header.Clone()})
		a, ok := f.answers[line]
		if !ok {
			a = answer{404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no ` + line + `"}`}
		}
		w.Header().Set("Date", noon.Format(http.TimeFormat))
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(f.Close)
	t.Setenv("FLEETCTL_API", f.URL)
	t.Setenv("FLEETCTL_TOKEN", "sesame")
	return f
}

// lines are the requests that were made.
func (f *fakeAPI) lines() (lines []string) {
	for _, a := range f.asked {
		lines = append(lines, a.line)
	}
	return lines
}

// outcome is what a command line came to.
type outcome struct {
	code     int
	out, err string
}

// fleetctl runs a command line as on a pipe.
func fleetctl(t *testing.T, args ...string) outcome {
	t.Helper()
	return fleetctlOn(t, terminal{in: strings.NewReader("")}, args...)
}

func fleetctlOn(t *testing.T, on terminal, args ...string) outcome {
	t.Helper()
	var out, complaints bytes.Buffer
	on.out, on.err = &out, &complaints
	code := run(t.Context(), args, on)
	return outcome{code, out.String(), complaints.String()}
}

func (o outcome) want(t *testing.T, code int, out, err string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.out, out) || !strings.Contains(o.err, err) {
		t.Errorf("exit code %d, want %d\n--- out, want %q\n%s\n--- err, want %q\n%s", o.code, code, out, o.out, err, o.err)
	}
}

func encoded(t *testing.T, document any) string {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawn is what a page shows at a width, without colours.
func drawn(width int, draw func(page)) string {
	var out bytes.Buffer
	draw(page{out: &out, width: width, now: noon, theme: newTheme(&out, false)})
	return out.String()
}
