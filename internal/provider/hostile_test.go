package provider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
)

// ownCredentials are Fleet's in these tests, in the shapes that the vendors give theirs; instanceKey is an instance's.
var ownCredentials = map[string]string{
	provider.SupabaseToken:   "sbp_4f0c7d1e2b3a495867788695a4b3c2d1e0f9a8b7",
	provider.VercelToken:     "kJ8sLq2VnXw5Rt7YpZ3mBc6D",
	provider.CloudflareToken: "x7Yk-2QmLw9_RbVt4NcJz8PdGf5HsA1eUoKi3TqM",
	provider.TwilioToken:     "f0e1d2c3b4a5968778695a4b3c2d1e0f",
	provider.SendGridKey:     "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc",
}

const (
	instanceKey = "9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a49"
	parentSID   = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	aSID        = "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	projectRef  = "abcdefghijklmnopqrst"
	aHost       = "acme.gimbal.test"
	hex32       = "0123456789abcdef0123456789abcdef"
)

// clients are the vendors' clients over a transport.
func clients(transport http.RoundTripper) map[string]any {
	c := provider.Config{Clock: clock.System(), Transport: transport,
		Endpoints: provider.Endpoints{Supabase: "https://api.supabase.test", SupabaseProject: "https://{ref}.supabase.test", Vercel: "https://api.vercel.test",
			Cloudflare: "https://api.cloudflare.test/client/v4", Twilio: "https://api.twilio.test", TwilioMessaging: "https://messaging.twilio.test", SendGrid: "https://api.sendgrid.test"},
		Settings: provider.Settings{SupabaseOrganization: "gimbal", VercelTeam: "team_1", CloudflareZone: hex32, Domain: "gimbal.test", TwilioAccount: parentSID,
			SendGridIPs: []string{"192.0.2.1"}, MailFrom: "fleet@gimbal.test", OperatorMail: "ops@gimbal.test"},
		Credential: func(_ context.Context, name string) (provider.Secret, error) {
			return provider.NewSecret(ownCredentials[name]), nil
		}}
	return map[string]any{"supabase": supabase.New(c), "vercel": vercel.New(c), "cloudflare": cloudflare.New(c), "twilio": twilio.New(c), "sendgrid": sendgrid.New(c)}
}

// arguments are what methods are called with where the usual value of a type is none for them, by vendor, or vendor.Method, and the
// position of the text among the method's.
var arguments = map[string][]string{
	"supabase": {projectRef, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}, "supabase.FindProjects": {"acme"}, "supabase.GenerateLink": {projectRef, "invite", "ada@example.com", ""},
	"vercel": {"prj_1", aHost, "i-1"}, "vercel.Deployment": {"dpl_1"}, "vercel.DeleteDeployment": {"dpl_1"}, "vercel.FindProject": {"acme"},
	"cloudflare": {hex32, hex32}, "cloudflare.FindRecords": {"CNAME", aHost},
	"twilio": {aSID, "SK" + hex32}, "twilio.FindAccounts": {"acme"}, "twilio.FindKeys": {aSID, "acme"}, "twilio.CreateKey": {aSID, "acme"},
	"twilio.SetCallbacks": {"MG" + hex32}, "twilio.DeleteService": {"MG" + hex32},
	"sendgrid": {"gf-i1", "w1", "acme"}, "sendgrid.AuthenticateDomain": {"gf-i1", aHost, "em"}, "sendgrid.CheckMail": {"fleet@gimbal.test", "ops@gimbal.test"},
}

// structures are the documents that methods are called with.
var structures = map[reflect.Type]any{
	reflect.TypeFor[cloudflare.NewRecord]():  cloudflare.NewRecord{Type: "CNAME", Name: aHost, Content: "cname.vercel-dns.test"},
	reflect.TypeFor[twilio.Account]():        twilio.Account{SID: aSID, Token: provider.NewSecret(instanceKey)},
	reflect.TypeFor[supabase.NewUser]():      supabase.NewUser{ID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", Email: "ada@example.com"},
	reflect.TypeFor[supabase.Object]():       supabase.Object{Bucket: "branding", Path: "logo.png", Content: []byte("x")},
	reflect.TypeFor[supabase.Bucket]():       supabase.Bucket{Name: "branding"},
	reflect.TypeFor[[]supabase.EdgeSecret](): []supabase.EdgeSecret{{Name: "KEY", Value: provider.NewSecret(instanceKey)}},
	reflect.TypeFor[[]vercel.Variable]():     []vercel.Variable{{Key: "KEY", Value: provider.NewSecret(instanceKey), Sensitive: true}},
	reflect.TypeFor[cloudflare.NewRule]():    cloudflare.NewRule{Host: aHost, Ref: "i-1"},
	reflect.TypeFor[sendgrid.NewSubuser]():   sendgrid.NewSubuser{Username: "gf-i1", Email: "ops@gimbal.test", Password: provider.NewSecret(instanceKey)},
	reflect.TypeFor[sendgrid.Mail]():         sendgrid.Mail{From: "fleet@gimbal.test", To: "ops@gimbal.test", Subject: "x", Text: "x", MessageID: "i/1"},
	reflect.TypeFor[[]string]():              []string{"mail.send"},
}

// method is one exported method of a client that talks to its vendor.
type method struct {
	vendor, name string
	call         func(ctx context.Context, transport http.RoundTripper) (results []any, err error)
}

func (m method) String() string { return m.vendor + "." + m.name }

// methods are those of all clients, found by reflection, so that a new one is tried as well.
func methods() (all []method) {
	for vendor, client := range clients(nil) {
		for i := range reflect.TypeOf(client).NumMethod() {
			m := reflect.TypeOf(client).Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
				continue
			}
			all = append(all, method{vendor, m.Name, func(ctx context.Context, transport http.RoundTripper) ([]any, error) {
				on := reflect.ValueOf(clients(transport)[vendor]).MethodByName(m.Name)
				return results(on.Call(filled(vendor, m.Name, on.Type(), ctx)))
			}})
		}
	}
	slices.SortFunc(all, func(a, b method) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// filled are the arguments of a method.
func filled(vendor, name string, of reflect.Type, ctx context.Context) (all []reflect.Value) {
	texts, ok := arguments[vendor+"."+name]
	if !ok {
		texts = arguments[vendor]
	}
	for i := range of.NumIn() {
		in := of.In(i)
		value := reflect.New(in).Elem()
		switch document, ok := structures[in]; {
		case ok:
			value.Set(reflect.ValueOf(document))
		case in == reflect.TypeFor[context.Context]():
			value.Set(reflect.ValueOf(ctx))
		case in == reflect.TypeFor[provider.Secret]():
			value.Set(reflect.ValueOf(provider.NewSecret(instanceKey)))
		case in.Kind() == reflect.String:
			value.SetString(texts[0])
			texts = texts[1:]
		case in.Kind() == reflect.Int64:
			value.SetInt(1)
		}
		all = append(all, value)
	}
	return all
}

// results takes the error from what a method gave.
func results(values []reflect.Value) (all []any, err error) {
	for _, v := range values {
		if v.Type() == reflect.TypeFor[error]() {
			err, _ = v.Interface().(error)
			continue
		}
		all = append(all, v.Interface())
	}
	return all, err
}

// hostile answers every request in one way, and counts.
type hostile struct {
	status int
	header http.Header
	body   []byte
	// cut breaks the body off, endless never ends it.
	cut, endless bool

	requests, read int
}

func (h *hostile) RoundTrip(req *http.Request) (*http.Response, error) {
	h.requests++
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body) // it is all the same to this vendor
		_ = req.Body.Close()
	}
	if h.requests > mostRequests {
		return nil, errors.New("so many requests")
	}
	rest := io.Reader(bytes.NewReader(h.body))
	switch {
	case h.endless:
		rest = io.MultiReader(rest, endless{})
	case h.cut:
		rest = io.MultiReader(rest, broken{})
	}
	return &http.Response{StatusCode: h.status, Status: http.StatusText(h.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h.header.Clone(),
		ContentLength: -1, Body: io.NopCloser(&counted{rest, h}), Request: req}, nil
}

// mostRequests is far over what any method makes of one kind of answer.
const mostRequests = 500

type endless struct{}

var blanks = bytes.Repeat([]byte{' '}, 64<<10)

func (endless) Read(p []byte) (int, error) { return copy(p, blanks), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type counted struct {
	io.Reader
	by *hostile
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.by.read += n
	return n, err
}

// try makes one call and judges what must hold of each: a fault, and nothing beside it, or a whole value by an answer that was a
// success; no more read than allowed; and nothing of the answer, let alone a credential, in the fault's text.
func (h *hostile) try(t *testing.T, m method) error {
	t.Helper()
	h.requests, h.read = 0, 0
	got, err := m.call(provider.WithAttempt(t.Context()), h)
	if h.requests == 0 || h.requests > mostRequests {
		t.Errorf("%s makes %d requests", m, h.requests)
	}
	if most := h.requests * (provider.MaxAnswer + 64<<10); h.read > most {
		t.Errorf("%s reads %d bytes of %d answers", m, h.read, h.requests)
	}
	if err == nil {
		h.succeeded(t, m, got)
		return nil
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !slices.Contains(fault.Codes(), f.Code) || f.RetryAfter < 0 || f.RetryAfter > 24*time.Hour {
		t.Errorf("%s: %T %+v", m, err, f)
		return err
	}
	for _, value := range got {
		if !reflect.ValueOf(value).IsZero() {
			t.Errorf("%s gives %+v beside the fault %v", m, value, err)
		}
	}
	h.silent(t, m, f.Error())
	return err
}

// silent judges a fault's text.
func (h *hostile) silent(t *testing.T, m method, text string) {
	t.Helper()
	if len(text) > 300 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.ContainsAny(text, "<>@") {
		t.Errorf("%s says %q", m, text)
	}
	for _, secret := range secretsOf(m.vendor) {
		if strings.Contains(text, secret) {
			t.Errorf("%s tells a credential: %s", m, text)
		}
	}
}

func secretsOf(vendor string) []string {
	for name, value := range ownCredentials {
		if strings.HasPrefix(name, vendor) {
			return []string{value, instanceKey}
		}
	}
	return nil
}

// goneIsAnAnswer are the methods to which the vendor's word that there is no such thing is one.
func goneIsAnAnswer(m method) bool {
	return m.name == "RateLimits" || m.name == "User" || m.name == "OpenAccount" || slices.ContainsFunc([]string{"Delete", "Remove", "Find", "Close"}, func(begin string) bool {
		return strings.HasPrefix(m.name, begin)
	})
}

// succeeded judges whether an answer may be taken for a success: a 404 only with a whole document, or a bare one.
func (h *hostile) succeeded(t *testing.T, m method, got []any) {
	t.Helper()
	var object map[string]json.RawMessage
	said := json.Unmarshal(h.body, &object) == nil || !h.cut && !h.endless && len(bytes.TrimSpace(h.body)) == 0
	if h.status/100 != 2 && !(h.status == http.StatusNotFound && goneIsAnAnswer(m) && said) {
		t.Errorf("%s takes HTTP %d for a success: %+v", m, h.status, got)
	}
}

// TestEveryMethodIsDriven: what these tests send reaches the vendor, so that its answer is read.
func TestEveryMethodIsDriven(t *testing.T) {
	h := &hostile{status: 500}
	for _, m := range methods() {
		if err := h.try(t, m); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s of a broken vendor: %v", m, err)
		}
	}
}

// TestAnswersWithoutEnd: of an answer that is longer than any of theirs no client reads on, and none takes it for a success.
func TestAnswersWithoutEnd(t *testing.T) {
	for _, m := range methods() {
		h := &hostile{status: http.StatusOK, body: []byte(`{"id":"`), endless: true}
		if goneIsAnAnswer(m) {
			h.status = http.StatusNotFound
		}
		if err := h.try(t, m); err == nil {
			t.Errorf("%s takes an endless answer with HTTP %d", m, h.status)
		}
	}
}

// FuzzEveryMethod: whatever the vendor answers, and however it breaks off, each method of each client ends with a fault or with
// something whole.
func FuzzEveryMethod(f *testing.F) {
	page := "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
	for _, seed := range []struct {
		status       uint16
		name, header string
		body         string
		cut          bool
	}{
		{502, "Content-Type", "text/html", page, false}, {404, "Content-Type", "text/html", page, false}, {200, "Content-Type", "text/html", page, false},
		{200, "", "", `{"id":"a1","name":"acme","status":`, true}, {200, "", "", ``, true}, {204, "", "", ``, false}, {429, "Retry-After", "99999999999", `{}`, false},
		{429, "X-RateLimit-Reset", "-5", `null`, false}, {200, "", "", `[[[[{"id":{"id":[1]}}]]]]`, false}, {200, "", "", `{"success":true,"result":[7],"result_info":{"total_count":"x"}}`, false},
		{200, "", "", `{"result":[{"username":"gf-i1","id":1e400}],"errors":7}`, false}, {401, "", "", `{"message":"token ` + ownCredentials[provider.SupabaseToken] + ` is expired"}`, false},
		{400, "X-Sb-Error-Code", ownCredentials[provider.SupabaseToken], `{"error":{"code":"` + ownCredentials[provider.VercelToken] + `","message":"x"}}`, false},
		{422, "", "", `{"code":422,"error_code":"` + instanceKey + `","statusCode":"409","error":"` + instanceKey + `"}`, false},
		{409, "", "", `{"statusCode":"409","error":"Duplicate","message":"The resource already exists"}`, false},
		{400, "", "", `{"errors":[{"field":"` + ownCredentials[provider.SendGridKey] + `","message":"bad"}],"code":20404}`, false},
	} {
		f.Add(seed.status, seed.name, seed.header, []byte(seed.body), seed.cut)
	}
	all := methods()
	f.Fuzz(func(t *testing.T, status uint16, name, header string, body []byte, cut bool) {
		h := &hostile{status: 200 + int(status)%400, header: http.Header{}, body: body, cut: cut}
		if status >= 200 && status < 600 {
			h.status = int(status)
		}
		h.header.Set(name, header)
		for _, m := range all {
			if err := h.try(t, m); cut && err == nil && h.status/100 == 2 {
				t.Errorf("%s takes an answer that broke off", m)
			}
		}
	})
}
