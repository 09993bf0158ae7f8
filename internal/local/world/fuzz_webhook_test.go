package world_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

// hook is a webhook under attack, as its sender writes it.
type hook struct {
	id, kind string
	body     []byte
	// age is the timestamp's, in seconds; stamp stands for it where it isn't empty.
	age   int64
	stamp string
	// signatures is the header, with $ for the right signature. That is made of the body without its last cut bytes.
	signatures string
	cut        uint8
	// packed sends the body in base64, claimed only says so.
	packed, claimed bool
}

// event is what API Gateway makes of it.
func (h hook) event(now time.Time) events.APIGatewayV2HTTPRequest {
	stamp := h.stamp
	if stamp == "" {
		stamp = strconv.FormatInt(now.Unix()-h.age, 10)
	}
	signed := h.body[:max(0, len(h.body)-int(h.cut))]
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: "POST /signups", Body: string(h.body), IsBase64Encoded: h.packed || h.claimed,
		Headers: map[string]string{"webhook-id": h.id, "webhook-timestamp": stamp, "content-type": h.kind,
			"webhook-signature": strings.ReplaceAll(h.signatures, "$", signatureOf(h.id, stamp, signed))}}
	if h.packed {
		e.Body = base64.StdEncoding.EncodeToString(h.body)
	}
	return e
}

// signatureOf is a webhook's signature by the specification, in base64.
func signatureOf(id, stamp string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var takenIDs = regexp.MustCompile(`^[!-\-/-~]{1,200}$`)

// judge gives the body, and the status that a webhook must be answered by, by the specification alone; 0 is one of 202, 400 and 422,
// which the form decides.
func judge(e events.APIGatewayV2HTTPRequest, now time.Time) ([]byte, int) {
	body := []byte(e.Body)
	if len(body) > 2*httpapi.MaxBody {
		return nil, http.StatusRequestEntityTooLarge
	}
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, http.StatusBadRequest
		}
	}
	id, stamp := e.Headers["webhook-id"], e.Headers["webhook-timestamp"]
	seconds, err := strconv.ParseInt(stamp, 10, 64) // it is signed as a number
	right := signatureOf(id, strconv.FormatInt(seconds, 10), body)
	switch {
	case len(body) > httpapi.MaxBody:
		return nil, http.StatusRequestEntityTooLarge
	case err != nil, id == "", !slices.ContainsFunc(strings.Split(e.Headers["webhook-signature"], " "), func(s string) bool {
		parts := strings.Split(s, ",")
		return len(parts) > 1 && parts[0] == "v1" && parts[1] == right
	}):
		return nil, http.StatusUnauthorized
	case seconds < now.Unix()-300, seconds > now.Unix()+300:
		return nil, http.StatusUnauthorized
	case !takenIDs.MatchString(id):
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// FuzzWebhook: whatever is sent as a signup, it is taken in only if it is signed, fresh and whole. What is taken reads back as it was
// sent, and is told the same when it comes again; what is refused leaves nothing behind.
func FuzzWebhook(f *testing.F) {
	good := sampleSignup(f)
	for _, h := range []hook{
		{id: "msg_1", kind: "application/json", body: good, signatures: "v1,$"},
		{id: "msg_1", kind: "text/html; charset=utf-16", body: good, signatures: "v1,AAAA v1,$ v1a,$", age: -299, packed: true},
		{id: "msg_1", body: good, signatures: "v1,$", age: 301},
		{id: "msg_1", body: good, signatures: "v1,$", stamp: "99999999999999999999"},
		{id: "msg_1", body: good, signatures: "v1,$", stamp: "+946684800"},
		{id: "msg.1", body: good, signatures: "v1,$"},
		{id: "msg_1", body: good, signatures: "v1a,$"},
		{id: "msg_1", body: good, signatures: "v1,$", cut: 3},
		{id: "msg_1", body: good, signatures: "v1,$", claimed: true},
		{id: "msg_1", body: []byte(`{"slug":"a","slug":"b","branding":{"logo_url":7}}`), signatures: "v1,$"},
		{id: "msg_1", body: []byte("{\"company\":\"\xff\"}"), signatures: "v1,$", packed: true},
		{id: "m", body: []byte(`{"company":"A","slug":"abc","admin_name":"A","admin_email":"a@b.co","plan":"tiered","tier":"scale","locale":null}`), signatures: "v1,$"},
	} {
		f.Add(h.id, h.kind, h.body, h.age, h.stamp, h.signatures, h.cut, h.packed, h.claimed)
	}
	f.Fuzz(func(t *testing.T, id, kind string, body []byte, age int64, stamp, signatures string, cut uint8, packed, claimed bool) {
		withTables(t, exact, func(r *rig, records, keys *kept) {
			h := hook{id, kind, body, age, stamp, signatures, cut, packed, claimed}
			event := passed(t, h.event(time.Now()))
			sent, want := judge(event, time.Now())
			answer := r.invokeAPI("signup", event)
			switch {
			case answer.StatusCode == http.StatusAccepted && want == 0:
				r.wantTaken(event, sent, answer)
			case answer.StatusCode != want && (want != 0 || answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusUnprocessableEntity):
				t.Errorf("answered %d, want %d: %s", answer.StatusCode, want, answer.Body)
			default:
				r.wantDocument(answer)
				for _, table := range []*kept{records, keys} {
					if held := table.all(r.ctx); len(held) > 0 || table.writes > 0 {
						t.Errorf("%d writes, held: %v", table.writes, held)
					}
				}
			}
		})
	})
}

// passed is an event after its way as JSON, which is UTF-8.
func passed(t *testing.T, e events.APIGatewayV2HTTPRequest) (after events.APIGatewayV2HTTPRequest) {
	t.Helper()
	text, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(text, &after)
	}
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// invokeAPI invokes a function of the API with an event of API Gateway's.
func (r *rig) invokeAPI(function string, e events.APIGatewayV2HTTPRequest) (answer events.APIGatewayV2HTTPResponse) {
	r.t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := r.w.Invoke(r.ctx, function, payload)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", function, err)
	}
	return answer
}

// wantDocument judges a refusal: a problem document of the answer's status, with nothing secret in it.
func (r *rig) wantDocument(answer events.APIGatewayV2HTTPResponse) {
	r.t.Helper()
	var p httpapi.Problem
	if err := json.Unmarshal([]byte(answer.Body), &p); err != nil || p.Status != answer.StatusCode || p.Status < 400 || p.Status >= 500 ||
		answer.Headers["content-type"] != "application/problem+json" || (p.Status == http.StatusUnprocessableEntity) != (len(p.Fields) > 0) {
		r.t.Errorf("answered %d with %v: %s", answer.StatusCode, answer.Headers, answer.Body)
	}
	for _, secret := range []string{hookSecret, hookSecret[len("whsec_"):], linkSecret, operatorToken} {
		if strings.Contains(answer.Body, secret) {
			r.t.Errorf("the answer holds a secret: %s", answer.Body)
		}
	}
}

// wantTaken judges a signup that was taken in: it is stored as it was sent, and told again to whoever sends it again.
func (r *rig) wantTaken(e events.APIGatewayV2HTTPRequest, body []byte, answer events.APIGatewayV2HTTPResponse) {
	r.t.Helper()
	var told struct{ ID, Slug, Status string }
	if err := json.Unmarshal([]byte(answer.Body), &told); err != nil || !fleet.IsInstanceID(told.ID) || told.Status != "REQUESTED" {
		r.t.Fatalf("answered %s: %v", answer.Body, err)
	}
	if got, want := r.stored(told.ID), asSent(r.t, body); got != want || told.Slug != want.slug {
		r.t.Errorf("stored %+v, sent %+v", got, want)
	}
	r.wantAuditWhole(told.ID)
	again := r.invokeAPI("signup", e)
	if again.StatusCode != answer.StatusCode || again.Body != answer.Body || again.Headers["idempotent-replayed"] != "true" {
		r.t.Errorf("again it is told %d %s", again.StatusCode, again.Body)
	}
}

// facts are a signup's.
type facts struct {
	company, slug, name, mail, phone, plan, tier, vertical, region, timezone, locale string
	branding                                                                         fleet.Branding
}

// stored are the facts that the fleet has of a signup.
func (r *rig) stored(id string) facts {
	r.t.Helper()
	s, err := r.w.Store.Signup(r.ctx, id)
	if err != nil || s == nil {
		r.t.Fatalf("signup %s: %v, %v", id, s, err)
	}
	code, listed := r.do("GET", "/signups", "", operator)
	if code != http.StatusOK {
		r.t.Fatalf("listing answered %d: %v", code, listed)
	}
	got := facts{slug: s.Slug, plan: s.Plan, tier: s.Tier, vertical: s.Vertical, region: s.Region, timezone: s.Timezone, locale: s.Locale, branding: s.Branding}
	rows, _ := listed["signups"].([]any)
	for _, row := range rows {
		applicant, _ := row.(map[string]any)["applicant"].(map[string]any)
		for name, into := range map[string]*string{"company": &got.company, "admin_name": &got.name, "admin_email": &got.mail, "phone": &got.phone} {
			*into, _ = applicant[name].(string)
		}
	}
	return got
}

// asSent reads a signup's facts by package json alone, with the defaults of what was not given.
func asSent(t *testing.T, body []byte) facts {
	t.Helper()
	var given map[string]any
	if err := json.Unmarshal(body, &given); err != nil {
		t.Fatalf("taken though it is no JSON object: %v", err)
	}
	text := func(from map[string]any, name, otherwise string) string {
		switch value := from[name].(type) {
		case string:
			return value
		case nil:
			return otherwise
		}
		t.Fatalf("taken with %s %v", name, from[name])
		return ""
	}
	branding, _ := given["branding"].(map[string]any)
	return facts{company: text(given, "company", ""), slug: text(given, "slug", ""), name: text(given, "admin_name", ""), mail: text(given, "admin_email", ""),
		phone: text(given, "phone", ""), plan: text(given, "plan", ""), tier: text(given, "tier", ""), vertical: text(given, "vertical", "general"),
		region: text(given, "region", "us-east-1"), timezone: text(given, "timezone", "America/New_York"), locale: text(given, "locale", "en-US"),
		branding: fleet.Branding{PrimaryColor: text(branding, "primary_color", ""), SecondaryColor: text(branding, "secondary_color", ""),
			LogoURL: text(branding, "logo_url", ""), FaviconURL: text(branding, "favicon_url", "")}}
}
