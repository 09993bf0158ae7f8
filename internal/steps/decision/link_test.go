package decision_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/decision"
)

const (
	linkSecret = "a-secret-of-more-than-thirty-two-bytes"
	instanceID = "df4a5ecc-37f0-5b06-b82f-426350807da2"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// stopped is a clock that stands at now.
type stopped struct{ clock.Clock }

func (stopped) Now() time.Time { return now }

// signed is a token of any header and claims, signed with a secret.
func signed(header, claims, secret string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// FuzzVerify: a token proves what it was minted for, as it was minted; changed anywhere, or signed by somebody else, it proves nothing, and
// neither does one by Fleet's own secret that is for anything else.
func FuzzVerify(f *testing.F) {
	const header, claims = `{"alg":"HS256"}`, `{"sub":"` + instanceID + `","aud":["gimbal-fleet/decisions"],"jti":"x","exp":1795737600}`
	env := step.Env{Clock: stopped{clock.System()}, Log: slog.New(slog.DiscardHandler), Settings: step.Settings{PublicURL: "https://fleet.test"},
		Provider: provider.Config{Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(linkSecret), nil }}}
	link, err := decision.Link(f.Context(), env, fleet.Signup{InstanceID: instanceID, RequestedAt: now}, fleet.DecisionWanted)
	if err != nil {
		f.Fatal(err)
	}
	minted := strings.TrimPrefix(link, "https://fleet.test/decisions/")
	f.Add(uint8(0), header, claims, uint16(0), "")
	for i, text := range []string{"\n", "A", ".", "=", "-", "\r\n\r\n", strings.Repeat("x", 2000)} {
		f.Add(uint8(i%2), header, claims, uint16(30*i), text)
	}
	f.Add(uint8(0), header, claims, uint16(len(minted)-1), "x") // other bits at the end of the signature
	for by := range uint8(2) {
		f.Add(2+by, header, claims, uint16(0), "")
		for _, other := range []string{`{"alg":"none"}`, `{"alg":"HS256","b64":false,"crit":["b64"]}`, `{"alg":"HS512"}`, `{"alg":"HS256","alg":"none"}`, `{"ALG":"HS256"}`, `{"alg":"HS256","kid":"../x","jwk":{}}`, "null"} {
			f.Add(2+by, other, claims, uint16(0), "")
		}
		for _, other := range []string{strings.Replace(claims, "decisions", "else", 1), strings.Replace(claims, "1795737600", "1", 1), strings.Replace(claims, "1795737600", "1e400", 1), strings.Replace(claims, `"jti":"x",`, "", 1),
			strings.Replace(claims, "}", `,"nbf":1795737599}`, 1), strings.Replace(claims, "}", `,"exp":-1}`, 1), strings.Replace(claims, `["gimbal-fleet/decisions"]`, `"gimbal-fleet/decisions"`, 1), "null", "[]", ""} {
			f.Add(2+by, header, other, uint16(0), "")
		}
	}
	f.Fuzz(func(t *testing.T, way uint8, header, claims string, at uint16, text string) {
		place := int(at) % (len(minted) + 1)
		token := map[uint8]string{0: minted[:place] + text + minted[min(len(minted), place+len(text)):], 1: minted[:place] + text + minted[place:],
			2: signed(header, claims, linkSecret), 3: signed(header, claims, strings.Repeat("k", 64))}[way%4]
		proved, err := decision.Verify(t.Context(), env, token)
		switch {
		case err != nil:
			if refused, ok := errors.AsType[*fault.Error](err); !ok || refused.Status != http.StatusNotFound && refused.Status != http.StatusGone ||
				refused.Status == http.StatusGone && way%4 != 2 || proved != (decision.Authority{}) || token == minted {
				t.Errorf("%s: %v, %+v", token, err, proved)
			}
		case way%4 == 2:
			wantBound(t, header, claims, proved)
		case token != minted || proved != decision.Authority{InstanceID: instanceID, Actor: "link:" + fleet.DecisionWanted}:
			t.Errorf("%s proves %+v", token, proved)
		}
	})
}

// wantBound judges what a token of Fleet's own secret proves, by package json alone.
func wantBound(t *testing.T, header, claims string, proved decision.Authority) {
	t.Helper()
	h, c := object(t, header), object(t, claims)
	if h["alg"] != "HS256" {
		t.Errorf("%s proves %+v", header, proved)
	}
	meant := c["aud"] == "gimbal-fleet/decisions"
	if several, ok := c["aud"].([]any); ok {
		for _, one := range several {
			meant = meant || one == "gimbal-fleet/decisions"
		}
	}
	id, _ := c["sub"].(string)
	message, _ := c["jti"].(string)
	number, _ := c["exp"].(json.Number)
	end, err := number.Float64()
	if !meant || err != nil || end <= float64(now.Unix()) || message == "" || !fleet.IsInstanceID(id) || proved != (decision.Authority{InstanceID: id, Actor: "link:" + message}) {
		t.Errorf("%s proves %+v", claims, proved)
	}
}

// object reads a JSON object with its names as they are, and numbers of any size.
func object(t *testing.T, text string) (members map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		t.Fatalf("%s was read: %v", text, err)
	}
	return members
}
