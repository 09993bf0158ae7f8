package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

// signedAt signs a webhook with a secret as of a time.
func (r *rig) signedAt(secret, id, body string, at time.Time) http.Header {
	r.t.Helper()
	hook, err := webhooks.NewWebhook(secret)
	if err != nil {
		r.t.Fatal(err)
	}
	signature, err := hook.Sign(id, at, []byte(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
}

// with is the sample signup with members set, or left out if nil; a name with a point is one of the branding's.
func (r *rig) with(changes map[string]any) string {
	r.t.Helper()
	sample, err := events.Signup()
	if err != nil {
		r.t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(sample, &document); err != nil {
		r.t.Fatal(err)
	}
	for name, value := range changes {
		into := document
		if inner, ok := strings.CutPrefix(name, "branding."); ok {
			into, name = document["branding"].(map[string]any), inner
		}
		if into[name] = value; value == nil {
			delete(into, name)
		}
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(document); err != nil {
		r.t.Fatal(err)
	}
	return text.String()
}

// wantProblem judges a refusal: a problem document of that status, which says what is wrong.
func (r *rig) wantProblem(name string, status, got int, answer map[string]any) {
	r.t.Helper()
	if got != status || answer["status"] != float64(status) || answer["type"] != "about:blank" || answer["title"] == "" || len(fmt.Sprint(answer["detail"])) < 20 {
		r.t.Errorf("%s: answered %d %v, want %d", name, got, answer, status)
	}
}

// TestHostileWebhooks: whatever is sent is refused with a clear problem, and nothing is written at all.
func TestHostileWebhooks(t *testing.T) {
	t.Parallel()
	withTables(t, exact, func(r *rig, records, keys *kept) {
		good := r.form("acme-dental")
		now := time.Now()
		stranger := "whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy"
		changed := func(body string, change func(h http.Header)) http.Header {
			h := r.sign("msg_1", body)
			change(h)
			return h
		}
		for name, test := range map[string]struct {
			body   string
			header http.Header
			want   int
		}{
			"no headers":                {good, http.Header{}, 401},
			"no id":                     {good, changed(good, func(h http.Header) { h.Del("Webhook-Id") }), 401},
			"no timestamp":              {good, changed(good, func(h http.Header) { h.Del("Webhook-Timestamp") }), 401},
			"no signature":              {good, changed(good, func(h http.Header) { h.Del("Webhook-Signature") }), 401},
			"a stranger's signature":    {good, r.signedAt(stranger, "msg_1", good, now), 401},
			"an empty secret's":         {good, r.signedAt("whsec_", "msg_1", good, now), 401},
			"two wrong signatures":      {good, changed(good, func(h http.Header) { h.Set("Webhook-Signature", "v1,AAAA v1,BBBB") }), 401},
			"a thousand wrong ones":     {good, changed(good, func(h http.Header) { h.Set("Webhook-Signature", strings.Repeat("v1,AAAA ", 1000)) }), 401},
			"the right one as v1a":      {good, changed(good, func(h http.Header) { h.Set("Webhook-Signature", "v1a"+h.Get("Webhook-Signature")[2:]) }), 401},
			"another id":                {good, changed(good, func(h http.Header) { h.Set("Webhook-Id", "msg_2") }), 401},
			"old":                       {good, r.signedAt(hookSecret, "msg_1", good, now.Add(-5*time.Minute-time.Second)), 401},
			"from the future":           {good, r.signedAt(hookSecret, "msg_1", good, now.Add(5*time.Minute+time.Second)), 401},
			"years old":                 {good, r.signedAt(hookSecret, "msg_1", good, now.AddDate(-3, 0, 0)), 401},
			"a timestamp no number":     {good, changed(good, func(h http.Header) { h.Set("Webhook-Timestamp", "now") }), 401},
			"a timestamp out of bounds": {good, changed(good, func(h http.Header) { h.Set("Webhook-Timestamp", strings.Repeat("9", 40)) }), 401},
			"changed after signing":     {strings.Replace(good, "Acme", "Evil", 1), r.sign("msg_1", good), 401},
			"cut off after signing":     {good[:len(good)/2], r.sign("msg_1", good), 401},
			"an id with a full stop":    {good, r.sign("msg.1", good), 400},
			"an id with a space":        {good, r.sign("msg 1", good), 400},
			"an id too long":            {good, r.sign(strings.Repeat("m", 201), good), 400},
			"an id not of ASCII":        {good, r.sign("msg_ü", good), 400},
			"huge":                      {strings.Repeat(" ", httpapi.MaxBody-len(good)+1) + good, nil, 413},
			"huger":                     {strings.Repeat("x", 3*httpapi.MaxBody), nil, 413},
			"empty":                     {"", nil, 400},
			"a list":                    {"[" + good + "]", nil, 400},
			"null":                      {"null", nil, 400},
			"a string":                  {`"signup"`, nil, 400},
			"a form's encoding":         {"company=Acme&slug=acme", nil, 400},
			"cut off":                   {good[:len(good)/2], nil, 400},
			"two objects":               {good + good, nil, 400},
			"deep lists":                {`{"company":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, nil, 400},
			"deep objects":              {strings.Repeat(`{"a":`, 10_500) + "1" + strings.Repeat("}", 10_500), nil, 400},
			"invalid UTF-8":             {strings.Replace(good, "Acme", "A\xffcme", 1), nil, 400},
			"a byte order mark":         {"\ufeff" + good, nil, 400},
			"NUL":                       {good + "\x00", nil, 400},
			"UTF-16":                    {"\xff\xfe{\x00}\x00", nil, 400},
			"deep enough to be read":    {`{"company":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`, nil, 422},
			"an empty object":           {"{}", nil, 422},
			"a key twice":               {strings.Replace(good, `"plan"`, `"slug": "other", "plan"`, 1), nil, 422},
			"a key twice, escaped":      {strings.Replace(good, `"plan"`, `"sl\u0075g": "other", "plan"`, 1), nil, 422},
			"another's case":            {strings.Replace(good, `"slug"`, `"Slug"`, 1), nil, 422},
			"an unknown field":          {r.with(map[string]any{"status": "APPROVED"}), nil, 422},
			"an instance's id":          {r.with(map[string]any{"instance_id": "11111111-1111-4111-8111-111111111111"}), nil, 422},
			"a prototype":               {r.with(map[string]any{"__proto__": map[string]any{"admin": true}}), nil, 422},
			"an unknown field within":   {r.with(map[string]any{"branding.css": "x"}), nil, 422},
			"ten thousand fields":       {`{"a":1` + strings.Repeat(`,"a":1`, 10_000) + "}", nil, 422},
			"a header in the address":   {r.with(map[string]any{"admin_email": "a@b.co\r\nBcc: eve@b.co"}), nil, 422},
		} {
			header := test.header
			if header == nil {
				header = r.sign("msg_1", test.body)
			}
			code, answer := r.do("POST", "/signups", test.body, header)
			r.wantProblem(name, test.want, code, answer)
			if fields, _ := answer["fields"].(map[string]any); (test.want == 422) != (len(fields) > 0) {
				t.Errorf("%s: fields %v", name, fields)
			}
		}
		for _, table := range []*kept{records, keys} {
			if held := table.all(r.ctx); len(held) > 0 || table.writes > 0 {
				t.Errorf("%d writes, held: %v", table.writes, held)
			}
		}
	})
}

// TestEveryFieldAtItsBounds: what is just within a field's bounds is taken; what is just over is refused by the field's name, and
// nothing is stored of it.
func TestEveryFieldAtItsBounds(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return strings.Repeat("x", n) }
	image := func(n int) string { const base = "https://cdn.acme.example/"; return base + x(n-len(base)) }
	fields := map[string]struct{ at, over []any }{
		"company":                  {[]any{"A", x(200), strings.Repeat("ü", 200)}, []any{nil, "", x(201), strings.Repeat("ü", 201), 5, true, []any{"A"}, map[string]any{}}},
		"slug":                     {[]any{"abc", x(40), "a-1"}, []any{nil, "ab", x(41), "-ab", "ab-", "Abc", "a.b", "xn--bcher-kva", "www", "üüü", 123}},
		"admin_name":               {[]any{"A", x(200)}, []any{nil, "", x(201), "a\nb", 5}},
		"admin_email":              {[]any{"a@b.co", x(64) + "@acme.example", "a@" + x(248) + ".co"}, []any{nil, "", "a@b", x(65) + "@acme.example", "a@" + x(250) + ".co", 5}},
		"phone":                    {[]any{nil, "", "+12125550123"}, []any{"+1212555012", "+121255501234", "12125550123", "+1 2125550123", 12125550123}},
		"plan":                     {[]any{"flat", "usage"}, []any{nil, "", "flat ", "gold", "tiered", 1}}, // tiered needs a tier
		"tier":                     {[]any{nil, ""}, []any{"starter", "x", 1}},
		"vertical":                 {[]any{nil, "general", "dental"}, []any{"", "mining", 1}},
		"region":                   {[]any{nil, "us-east-1", "ap-northeast-2"}, []any{"", "us-east-9", "US-EAST-1", 1}},
		"timezone":                 {[]any{nil, "UTC", "America/Argentina/ComodRivadavia"}, []any{"", "Local", "America/Nowhere", "../UTC", x(51), 1}},
		"locale":                   {[]any{nil, "de", "zh-Hant-TW"}, []any{"", "en_US", "de-Latn-DE-1996", 1}},
		"branding":                 {[]any{nil, map[string]any{}}, []any{"red", []any{}, 1}},
		"branding.primary_color":   {[]any{nil, "", "#09aFaF"}, []any{"#09aFa", "#09aFaF0", "red", 1}},
		"branding.secondary_color": {[]any{nil, "", "#09aFaF"}, []any{"#09aFa", "#09aFaF0", "red", 1}},
		"branding.logo_url":        {[]any{nil, "", image(500)}, []any{image(501), "http://cdn.acme.example/", "https://192.0.2.1/", "https://a@cdn.acme.example/", "https://cdn.acme.example:444/", 1}},
		"branding.favicon_url":     {[]any{nil, "", image(500)}, []any{image(501), "http://cdn.acme.example/", "https://[2001:db8::1]/", "https://a@cdn.acme.example/", "https://cdn.acme.example:444/", 1}},
	}
	withTables(t, exact, func(r *rig, records, keys *kept) {
		n := 0
		refused := func(name string, value any, body string) {
			t.Helper()
			n++
			before, minted := records.all(r.ctx), keys.all(r.ctx)
			writes := records.writes + keys.writes
			code, answer := r.post("msg_"+strconv.Itoa(n), body)
			r.wantProblem(fmt.Sprintf("%s %.50v", name, value), http.StatusUnprocessableEntity, code, answer)
			named, _ := answer["fields"].(map[string]any)
			want := []string{name}
			if name == "plan" && value == "tiered" {
				want = []string{"tier"}
			}
			if got := slices.Sorted(maps.Keys(named)); !slices.Equal(got, want) {
				t.Errorf("%s %.50v: faults of %v", name, value, got)
			}
			if !maps.Equal(records.all(r.ctx), before) || !maps.Equal(keys.all(r.ctx), minted) || records.writes+keys.writes != writes {
				t.Errorf("%s %.50v: something was stored", name, value)
			}
		}
		taken := func(name string, value any, changes map[string]any) {
			t.Helper()
			n++
			if _, ok := changes["slug"]; !ok {
				changes["slug"] = "company-" + strconv.Itoa(n)
			}
			code, answer := r.post("msg_"+strconv.Itoa(n), r.with(changes))
			if code != http.StatusAccepted {
				t.Errorf("%s %.50v: %d %v", name, value, code, answer)
			}
		}
		for name, values := range fields {
			for _, value := range values.at {
				taken(name, value, map[string]any{name: value})
			}
			for _, value := range values.over {
				refused(name, value, r.with(map[string]any{name: value}))
			}
		}
		taken("tier", "growth", map[string]any{"plan": "tiered", "tier": "growth"})
		refused("tier", "none", r.with(map[string]any{"plan": "tiered"}))
		body := r.with(map[string]any{"slug": "just-fits"})
		n++
		code, answer := r.post("msg_fits", body+strings.Repeat(" ", httpapi.MaxBody-len(body)))
		r.want(http.StatusAccepted, code, answer)
	})
}

// TestSignupKeepsWhatWasGiven: every field arrives where later steps look for it.
func TestSignupKeepsWhatWasGiven(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		body := r.with(map[string]any{"plan": "tiered", "tier": "growth", "vertical": "dental", "region": "eu-central-1", "timezone": "Europe/Berlin",
			"locale": "de-DE", "branding.logo_url": "https://cdn.acme.example/logo.png", "branding.favicon_url": "https://cdn.acme.example/icon.png"})
		code, answer := r.post("msg_1", body)
		r.want(http.StatusAccepted, code, answer)
		s, err := r.w.Store.Signup(r.ctx, answer["id"].(string))
		if err != nil || s.Plan != "tiered" || s.Tier != "growth" || s.Vertical != "dental" || s.Region != "eu-central-1" || s.Timezone != "Europe/Berlin" ||
			s.Locale != "de-DE" || s.Branding.LogoURL != "https://cdn.acme.example/logo.png" || s.Branding.FaviconURL != "https://cdn.acme.example/icon.png" ||
			s.Branding.PrimaryColor != "#0f766e" || s.Slug != "acme-dental" {
			t.Errorf("%+v, %v", s, err)
		}
		code, shown := r.do("GET", "/instances/"+s.InstanceID, "", operator)
		signed, _ := shown["signed_up"].(map[string]any)
		if r.want(http.StatusOK, code, shown); signed["tier"] != "growth" || signed["vertical"] != "dental" {
			t.Errorf("shown: %v", signed)
		}
	})
}
