package leak_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/local/leak"
)

// awkward has what every spelling has to change.
const awkward = `p+ss/w"r<d &ä=1`

func marshalled(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFindsEverySpelling: however a secret is written, it is found.
func TestFindsEverySpelling(t *testing.T) {
	texts := map[string]string{
		"plain":               "a " + awkward + " z",
		"JSON":                marshalled(t, map[string]string{"a": awkward}),
		"JSON in JSON":        marshalled(t, marshalled(t, awkward)),
		"JSON without HTML":   strings.NewReplacer(`\u003c`, "<", `\u0026`, "&").Replace(marshalled(t, awkward)),
		"query":               url.Values{"a": {awkward}}.Encode(),
		"path":                "/" + url.PathEscape(awkward),
		"HTML":                html.EscapeString(awkward),
		"hexadecimal":         hex.EncodeToString([]byte("x" + awkward)),
		"basic authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+awkward)),
	}
	for n := range 6 {
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw std": base64.RawStdEncoding, "url": base64.URLEncoding} {
			texts[fmt.Sprintf("base64 %s after %d bytes", name, n)] = e.EncodeToString([]byte(strings.Repeat("x", n) + awkward + strings.Repeat("y", 6-n)))
		}
	}
	for name, text := range texts {
		var s leak.Search
		s.Plant(awkward, "a vendor")
		s.Emit("log", []byte(text))
		if found := s.Found(); len(found) != 1 || found[0].Emitter != "log" || found[0].From != "a vendor" {
			t.Errorf("%s: %q gives %v", name, text, found)
		}
	}
}

// TestFindsOnlySecrets: what is no secret, or belongs where it is, is not found.
func TestFindsOnlySecrets(t *testing.T) {
	var s leak.Search
	s.Plant("the whole of it", "a vendor", "mail")
	s.Plant("short", "a vendor")
	s.Emit("log", []byte("the whole, and short"))
	s.Emit("mail", []byte("the whole of it"))
	if found := s.Found(); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	s.Emit("log", []byte("the whole of it"))
	if found := s.Found(); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// TestOverhears: it seeks what vendors are told and tell.
func TestOverhears(t *testing.T) {
	for _, c := range []struct{ path, request, answer, want string }{
		{"/projects", `{"db_pass":"of-the-database"}`, `{}`, "of-the-database"},
		{"/keys", `{}`, `[{"name":"anon","api_key":"of-the-project"}]`, "of-the-project"},
		{"/link", `{}`, `{"properties":{"action_link":"https://x.test/verify?token=of-the-link&type=invite"}}`, "of-the-link"},
		{"/env", `[{"key":"A","type":"sensitive","value":"of-the-function"}]`, `{}`, "of-the-function"},
		{"/v1/projects/x/secrets", `[{"name":"A","value":"of-the-edge"}]`, `{}`, "of-the-edge"},
	} {
		var s leak.Search
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://vendor.test"+c.path, strings.NewReader(c.request))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.Overhear(answering(c.answer)).RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != c.answer {
			t.Errorf("%s: the answer became %q, %v", c.path, body, err)
		}
		if s.From(c.want) == "" {
			t.Errorf("%s: sought are %q", c.path, s.Planted())
		}
	}
}
