package world_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/steps/decision"
)

// The ways in which a token is made out of the minted one and a text.
const (
	beside     = iota // the text, with $ for the minted one
	across            // the minted one, with the text over it from a place on
	into              // the minted one, with the text in it
	headed            // the minted one with the text for its header
	claiming          // the minted one with the text for its claims
	bySomebody        // a token of these claims, signed with a secret that isn't Fleet's
	byFleet           // one that is signed with Fleet's secret, but wasn't minted here
	ways
)

func forge(t *testing.T, minted, text string, way, at uint16) string {
	t.Helper()
	place := int(at) % (len(minted) + 1)
	parts := strings.Split(minted, ".")
	switch way % ways {
	case across:
		return minted[:place] + text + minted[min(len(minted), place+len(text)):]
	case into:
		return minted[:place] + text + minted[place:]
	case headed:
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[1] + "." + parts[2]
	case claiming:
		return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[2]
	case bySomebody:
		return compact(t, strings.Repeat("k", 64), text)
	case byFleet:
		return compact(t, linkSecret, text)
	}
	return strings.ReplaceAll(text, "$", minted)
}

// compact signs a text.
func compact(t *testing.T, secret, text string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// bound reports whether claims that Fleet's secret signed are a link's to this signup, that holds now.
func bound(text, id string) bool {
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	var c jwt.Claims
	return err == nil && parsed.UnsafeClaimsWithoutVerification(&c) == nil && c.Subject == id && slices.Contains(c.Audience, "gimbal-fleet/decisions") &&
		c.ID != "" && c.Expiry != nil && time.Now().Before(c.Expiry.Time())
}

// FuzzLink: a link's token is taken exactly as it was minted, for the signup that it was minted for; whatever was changed of it shows
// and decides nothing. A form decides by what it says, and only so.
func FuzzLink(f *testing.F) {
	claims := `{"sub":"df4a5ecc-37f0-5b06-b82f-426350807da2","aud":["gimbal-fleet/decisions"],"jti":"x","exp":9999999999}`
	for _, seed := range []struct {
		text    string
		way, at uint16
		post    bool
		form    string
	}{
		{"$", beside, 0, false, ""}, {"$", beside, 0, true, "decision=approve"}, {"$", beside, 0, true, "decision=reject&reason=not+a+dentist%0A"},
		{"$", beside, 0, true, "decision=reject&reason=%e2%80%ae"}, {"$", beside, 0, true, "decision=approve;&decision=reject"}, {"$", beside, 0, true, "%zz"},
		{"$", beside, 0, true, "\xff=\x00"}, {"$=", beside, 0, true, "decision=approve"}, {" $", beside, 0, false, ""}, {"$.", beside, 0, false, ""}, {"", beside, 0, false, ""},
		{"\n", into, 30, true, "decision=approve"}, {"A", across, 9, true, "decision=approve"}, {"B", across, 20, false, ""}, {"C", across, 65535, false, ""},
		{`{"alg":"none"}`, headed, 0, true, "decision=approve"}, {`{"alg":"HS256","b64":false,"crit":["b64"]}`, headed, 0, false, ""}, {claims, claiming, 0, true, "decision=approve"},
		{claims, bySomebody, 0, true, "decision=approve"}, {claims, byFleet, 0, true, "decision=approve"}, {`{"exp":"x"}`, byFleet, 0, false, ""}, {"null", byFleet, 0, false, ""},
		{strings.Replace(claims, `["gimbal-fleet/decisions"]`, `"else"`, 1), byFleet, 0, false, ""}, {strings.Replace(claims, "9999999999", "1", 1), byFleet, 0, true, "decision=approve"},
	} {
		f.Add(seed.text, seed.way, seed.at, seed.post, []byte(seed.form))
	}
	f.Fuzz(func(t *testing.T, text string, way, at uint16, post bool, form []byte) {
		inBubble(t, exact, func(r *rig) {
			id := r.signup("msg_1", "acme-dental")
			minted := strings.TrimPrefix(r.link(id), "/decisions/")
			r.freeze(fleet.WholeFleet) // so that nothing follows from an approval
			e := passed(t, events.APIGatewayV2HTTPRequest{Version: "2.0", Body: base64.StdEncoding.EncodeToString(form), IsBase64Encoded: true,
				PathParameters: map[string]string{"token": forge(t, minted, text, way, at)}})
			token := e.PathParameters["token"]
			valid := token == minted || way%ways == byFleet && bound(token, id)
			function := "show-decision"
			if post {
				function = "decide"
			}
			answer := r.invokeAPI(function, e)
			r.wantSafePage(answer, token, valid)
			want, status := fleet.Requested, http.StatusOK
			switch {
			case !valid && answer.StatusCode != http.StatusNotFound && (way%ways != byFleet || answer.StatusCode != http.StatusGone):
				t.Errorf("a token that wasn't minted: answered %d", answer.StatusCode)
			case valid && post:
				want, status = decided(form)
			}
			if s, err := r.w.Store.Signup(r.ctx, id); err != nil || s.Status != want || want != fleet.Requested && !strings.HasPrefix(s.DecidedBy, "link:") ||
				(want == fleet.Rejected) != (s.Reason != "") {
				t.Errorf("it is %+v, %v; want it %s", s, err, want)
			}
			if valid && answer.StatusCode != status {
				t.Errorf("answered %d, want %d: %s", answer.StatusCode, status, answer.Body)
			}
		})
	})
}

// decided is what a form decides, and how it is answered.
func decided(form []byte) (fleet.SignupStatus, int) {
	values, err := url.ParseQuery(string(form))
	reason := strings.Join(strings.Fields(values.Get("reason")), " ")
	switch {
	case len(form) > httpapi.MaxBody:
		return fleet.Requested, http.StatusRequestEntityTooLarge
	case err != nil:
		return fleet.Requested, http.StatusBadRequest
	case values.Get("decision") == "approve":
		return fleet.Approved, http.StatusOK
	case values.Get("decision") == "reject" && httpapi.Printable(reason, decision.MaxReason):
		return fleet.Rejected, http.StatusOK
	}
	return fleet.Requested, http.StatusUnprocessableEntity
}

// wantSafePage judges a page: below 500, of HTML that runs nothing, without the token, and without a word about the signup unless the
// token is good for it.
func (r *rig) wantSafePage(answer events.APIGatewayV2HTTPResponse, token string, valid bool) {
	r.t.Helper()
	if answer.StatusCode < 200 || answer.StatusCode >= 500 || answer.Headers["content-type"] != "text/html; charset=utf-8" || answer.Headers["cache-control"] != "no-store" ||
		!strings.Contains(answer.Headers["content-security-policy"], "default-src 'none'") {
		r.t.Errorf("answered %d with %v", answer.StatusCode, answer.Headers)
	}
	if len(token) > 20 && strings.Contains(answer.Body, token) || strings.Contains(answer.Body, linkSecret) || strings.Contains(answer.Body, "<script") ||
		!valid && strings.Contains(answer.Body, "acme") {
		r.t.Errorf("the page: %s", answer.Body)
	}
}
