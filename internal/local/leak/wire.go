package leak

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// secretFields are the fields of the vendors' documents that hold secrets.
var secretFields = map[string]bool{"api_key": true, "auth_token": true, "secret": true, "db_pass": true, "password": true, "smtp_pass": true,
	"action_link": true, "hashed_token": true, "email_otp": true, "default_pool_password": true}

// Overhear plants the secrets that vendors are told or tell: the fields that are known to hold one, variables that are marked as
// sensitive, functions' secrets that aren't an address, and the tokens in links.
func (s *Search) Overhear(next http.RoundTripper) http.RoundTripper {
	return transport(func(q *http.Request) (*http.Response, error) {
		if q.Body != nil {
			body, err := io.ReadAll(q.Body)
			if err != nil {
				return nil, err
			}
			s.listen(q.URL, body)
			q = q.Clone(q.Context())
			q.Body = io.NopCloser(bytes.NewReader(body))
		}
		answer, err := next.RoundTrip(q)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		s.listen(q.URL, body)
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return answer, nil
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(q *http.Request) (*http.Response, error) { return t(q) }

func (s *Search) listen(to *url.URL, body []byte) {
	var document any
	if json.Unmarshal(body, &document) == nil {
		s.hear(to.Host+to.Path, document)
	}
}

// hear goes through a document.
func (s *Search) hear(from string, document any) {
	switch d := document.(type) {
	case []any:
		for _, element := range d {
			s.hear(from, element)
		}
	case map[string]any:
		if value, ok := d["value"].(string); ok && !strings.HasPrefix(value, "https://") && (d["type"] == "sensitive" || strings.HasSuffix(from, "/secrets")) {
			s.Plant(value, from+" value")
		}
		for name, member := range d {
			if value, ok := member.(string); ok && secretFields[name] {
				s.plantLink(value, from+" "+name)
			}
			s.hear(from, member)
		}
	}
}

// AdminMail is the emitter to which the link belongs by which an administrator signs in.
const AdminMail = "mail to the administrator"

var token = regexp.MustCompile(`[?&]token(?:_hash)?=([^&]+)`)

// plantLink plants a value, and of a link the token as well.
func (s *Search) plantLink(value, from string) {
	s.Plant(value, from, AdminMail)
	for _, t := range token.FindAllStringSubmatch(value, -1) {
		s.Plant(t[1], from+"'s token", AdminMail)
	}
}

// Table is t, whose writes an emitter repeats.
func (s *Search) Table(emitter string, t table.Table) table.Table { return told{t, s, emitter} }

type told struct {
	table.Table
	search  *Search
	emitter string
}

func (t told) Write(ctx context.Context, writes []table.Write) error {
	for _, w := range writes {
		text, err := json.Marshal(w.Item)
		if err != nil {
			return err
		}
		t.search.Emit(t.emitter, text)
		t.search.Emit(t.emitter, w.Item.Body) // which the other holds in base64
	}
	return t.Table.Write(ctx, writes)
}
