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
	"github.com/project-gimbal/fleet/internal/store"
)

// FuzzDownload: a token is taken exactly as it was minted, and no form gives a file but the one with the code; whatever else was sent shows
// no link, and is no failure of the fleet's.
func FuzzDownload(f *testing.F) {
	claims := `{"sub":"df4a5ecc-37f0-5b06-b82f-426350807da2","aud":["gimbal-fleet/downloads"],"jti":"x","exp":9999999999}`
	for _, seed := range []struct {
		text    string
		way, at uint16
		post    bool
		form    string
	}{
		{"$", beside, 0, false, ""}, {"$", beside, 0, true, "do=open&code=$"}, {"$", beside, 0, true, "do=open&code=+$"}, {"$", beside, 0, true, "do=ask"}, {"$", beside, 0, true, "do=open&code=00000000"},
		{"$", beside, 0, true, "do=open&code=$&code=1"}, {"$", beside, 0, true, "do=open&code=%00"}, {"$", beside, 0, true, "%zz"}, {"$", beside, 0, true, "do=open;code=$"}, {"$", beside, 0, true, "\xff=\x00"},
		{"$=", beside, 0, true, "do=open&code=$"}, {"", beside, 0, false, ""}, {"\n", into, 30, true, "do=open&code=$"}, {"A", across, 9, true, "do=open&code=$"}, {"C", across, 65535, false, ""},
		{`{"alg":"none"}`, headed, 0, true, "do=open&code=$"}, {claims, claiming, 0, true, "do=open&code=$"}, {claims, bySomebody, 0, true, "do=open&code=$"}, {claims, byFleet, 0, true, "do=open&code=$"},
		{strings.Replace(claims, "downloads", "decisions", 1), byFleet, 0, true, "do=open&code=$"}, {strings.Replace(claims, "9999999999", "1", 1), byFleet, 0, true, "do=open&code=$"}, {"null", byFleet, 0, false, ""},
	} {
		f.Add(seed.text, seed.way, seed.at, seed.post, []byte(seed.form))
	}
	f.Fuzz(func(t *testing.T, text string, way, at uint16, post bool, form []byte) {
		inExporting(t, exact, func(e *exporting) {
			export, path := e.exported()
			code := e.code(e.id, export, path, 1)
			time.Sleep(fleet.CodePause)
			form = []byte(strings.ReplaceAll(string(form), "$", code))
			minted := strings.TrimPrefix(path, "/downloads/")
			r := passed(t, events.APIGatewayV2HTTPRequest{Version: "2.0", Body: base64.StdEncoding.EncodeToString(form), IsBase64Encoded: true,
				PathParameters: map[string]string{"token": forge(t, minted, text, way, at)}})
			token, function := r.PathParameters["token"], "show-download"
			if post {
				function = "give-download"
			}
			valid := token == minted || way%ways == byFleet && leadsTo(token, e.id, export)
			answer := e.invokeAPI(function, r)
			e.settle()
			e.wantSafePage(answer, token, valid)
			values, err := url.ParseQuery(string(form))
			right := valid && post && err == nil && values.Get("do") == "open" && strings.NewReplacer(" ", "", "-", "").Replace(values.Get("code")) == code
			if given := strings.Contains(answer.Body, "https://objects.test/"); given != right || given && answer.StatusCode != http.StatusOK {
				t.Errorf("answered %d, gives files: %t, want %t", answer.StatusCode, given, right)
			}
			if !valid && answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusGone {
				t.Errorf("a token that wasn't minted: answered %d", answer.StatusCode)
			}
			e.wantCounted(export, right)
		})
	})
}

// leadsTo reports whether claims that Fleet's secret signed are a link's to this export, that holds now.
func leadsTo(text, id, export string) bool {
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	var c jwt.Claims
	return err == nil && parsed.UnsafeClaimsWithoutVerification(&c) == nil && c.Subject == id && c.ID == export &&
		slices.Contains(c.Audience, "gimbal-fleet/downloads") && c.Expiry != nil && time.Now().Before(c.Expiry.Time())
}

// wantCounted judges that a code is used up exactly when it gave the files, and that the audit tells each try.
func (e *exporting) wantCounted(export string, given bool) {
	e.t.Helper()
	var d *fleet.Download
	if err := e.w.Store.Update(e.ctx, e.id, func(tx *store.Tx) (err error) {
		d, err = tx.Download(export)
		return err
	}); err != nil || d == nil {
		e.t.Fatalf("%+v, %v", d, err)
	}
	n := 0
	if given {
		n = 1
	}
	if used := d.Code != nil && d.Code.Used != ""; used != given && d.N == 1 || e.audited(export, "download.links_given") != n ||
		d.N == 1 && e.audited(export, "download.code_wrong") != d.Code.Tries {
		e.t.Errorf("%+v after files were given: %t", d, given)
	}
	e.wantAuditWhole(e.id)
}
