package signup

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

// document is a payload without faults, with the given members changed or, if nil, left out.
func document(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	d := map[string]any{"company": "Acme", "slug": "acme", "admin_name": "Ada", "admin_email": "ada@acme.example", "plan": "flat"}
	for name, value := range changes {
		if d[name] = value; value == nil {
			delete(d, name)
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// faults are the names of the fields that parse finds fault with, sorted.
func faults(t testing.TB, body []byte) []string {
	t.Helper()
	_, err := parse(body)
	if err == nil {
		return nil
	}
	bad, ok := err.(httpapi.BadFields)
	if !ok {
		t.Fatalf("%.200s: %v", body, err)
	}
	for field, what := range bad {
		if what == "" {
			t.Errorf("nothing is said of %s", field)
		}
	}
	return slices.Sorted(maps.Keys(bad))
}

func x(n int) string { return strings.Repeat("x", n) }

// TestFields has every field at its bounds and over them.
func TestFields(t *testing.T) {
	for field, values := range map[string]struct{ good, bad []any }{
		"company": {
			good: []any{"A", x(200), strings.Repeat("ü", 200), "Café «Ö» & Söhne, 株式会社", "O'Neill <b>", "🦷 Dental"},
			bad:  []any{nil, "", " ", "\u00a0\t", x(201), strings.Repeat("ü", 201), "a\nb", "a\x00b", "a\x7fb", "a\u0085b", "a\u2028b", "a\u202eb", "a\ufffdb"},
		},
		"admin_name": {
			good: []any{"A", x(200), "Ада Лавлейс"},
			bad:  []any{nil, "", "  ", x(201), "a\rb"},
		},
		"slug": {
			good: []any{"abc", x(40), "a-b", "1-2-3", "0ab", "ab9"},
			bad: []any{nil, "", "ab", x(41), "Abc", "a_b", "a.b", "-ab", "ab-", "a--b", "a b", "abc\n", "äbc", "www", "api", "status", "ab/c",
				"xn--abc"},
		},
		"admin_email": {
			good: []any{"a@b.co", "ada+x@acme.example", x(64) + "@acme.example", "a@" + x(248) + ".co", "a@b.c.d.e"},
			bad: []any{nil, "", "ada", "ada@", "@acme.example", "ada@acme", "Ada <ada@acme.example>", "ada@acme.example, eve@acme.example",
				" ada@acme.example", "ada@acme.example\n", "ada@acme..example", "ada@[192.0.2.1]", x(65) + "@acme.example", "a@" + x(250) + ".co",
				"ada@acme.example (Ada)", "a@b.co\r\nBcc: eve@b.co"},
		},
		"phone": {
			good: []any{nil, "", "+12125550123", "+4915112345678", "+442079460958"},
			bad: []any{"12125550123", "+0212555012", "+123456", "+1212555012", "+121255501234", "+1234567890123456", "+1 212 555 0123", "+1212555012x",
				"+12125550123;ext=1", "+", " ", "+12125550123\n"},
		},
		"plan": {
			good: []any{"flat", "usage"},
			bad:  []any{nil, "", "Flat", "free", "flat "},
		},
		"tier": { // of the flat plan
			good: []any{nil, ""},
			bad:  []any{"starter", " ", "x"},
		},
		"vertical": {
			good: []any{nil, "general", "dental", "hospitality", "retail", "fitness"},
			bad:  []any{"", "Dental", "dental ", "mining"},
		},
		"region": {
			good: []any{nil, "us-east-1", "ap-southeast-2", "eu-central-1", "eu-central-2"},
			bad:  []any{"", "us-east", "us-east-0", "US-EAST-1", "us-east-1 ", "us-east-10", "emea", "me-south-1"},
		},
		"timezone": {
			good: []any{nil, "America/New_York", "UTC", "Asia/Kathmandu", "America/Argentina/Buenos_Aires", "Etc/GMT+5"},
			bad: []any{"", "Local", "New York", "America/Nowhere", "../../etc/localtime", "/etc/localtime", "localtime", "posixrules", "america/new_york",
				"posix/UTC", "EST5EDT4", x(51)},
		},
		"locale": {
			good: []any{nil, "en-US", "de", "zh-Hant-TW", "sr-Latn-RS", "pt-BR"},
			bad:  []any{"", "english", "en_US", "e", "en-US-", "de-DE-u-co-phonebk", "x y"},
		},
	} {
		for kind, tests := range map[string][]any{"good": values.good, "bad": values.bad} {
			for _, value := range tests {
				got := faults(t, document(t, map[string]any{field: value}))
				if kind == "good" && got != nil || kind == "bad" && !slices.Equal(got, []string{field}) {
					t.Errorf("%s = %.60q is %s, faults: %v", field, value, kind, got)
				}
			}
		}
	}
}

func TestColours(t *testing.T) {
	for _, field := range []string{"primary_color", "secondary_color"} {
		for value, good := range map[any]bool{"": true, "#0f766e": true, "#ABCDEF": true, nil: true, "#fff": false, "0f766e": false, "#0f766g": false,
			"#0f766e0": false, "red": false, "#0f766e;}": false, 5: false} {
			got := faults(t, document(t, map[string]any{"branding": map[string]any{field: value}}))
			if good && got != nil || !good && !slices.Equal(got, []string{"branding." + field}) {
				t.Errorf("%s = %v, faults: %v", field, value, got)
			}
		}
	}
}

// TestTiers: the tiered plan needs a tier, the others have none.
func TestTiers(t *testing.T) {
	for _, plan := range fleet.Plans() {
		for _, tier := range append(fleet.Tiers(), "", "Growth", "flat") {
			got := faults(t, document(t, map[string]any{"plan": plan, "tier": tier}))
			good := (plan == fleet.TieredPlan) == slices.Contains(fleet.Tiers(), tier) && (plan == fleet.TieredPlan || tier == "")
			if good && got != nil || !good && !slices.Equal(got, []string{"tier"}) {
				t.Errorf("plan %s with tier %q, faults: %v", plan, tier, got)
			}
		}
	}
}

// TestImageURLs: an image's address is https at a name, and nothing that could lead elsewhere.
func TestImageURLs(t *testing.T) {
	long := "https://cdn.acme.example/"
	for _, field := range []string{"logo_url", "favicon_url"} {
		for value, good := range map[any]bool{
			nil: true, "": true, "https://cdn.acme.example/logo.png": true, "https://cdn.acme.example": true, "https://cdn.acme.example:443/l.png": true,
			"HTTPS://CDN.acme.example/l.svg?v=2&x=%20": true, "https://xn--bcher-kva.example/l.png": true, long + x(500-len(long)): true,
			long + x(501-len(long)): false, "http://cdn.acme.example/l.png": false, "//cdn.acme.example/l.png": false, "/l.png": false, "l.png": false,
			"ftp://cdn.acme.example/l.png": false, "file:///etc/passwd": false, "javascript:alert(1)": false, "data:image/png;base64,AAAA": false,
			"https:cdn.acme.example/l.png": false, "https:///l.png": false, "https://": false, "https://user@cdn.acme.example/": false,
			"https://user:secret@cdn.acme.example/": false, "https://@cdn.acme.example/": false, "https://cdn.acme.example:8443/": false,
			"https://cdn.acme.example:/": false, "https://cdn.acme.example:80/": false, "https://192.0.2.1/l.png": false, "https://[2001:db8::1]/l.png": false,
			"https://[::ffff:127.0.0.1]/": false, "https://127.1/": false, "https://2130706433/": false, "https://0x7f.0.0.1/": false, "https://0x7f000001/": false,
			"https://localhost/l.png": false, "https://cdn.acme.example./l.png": false, "https://-cdn.acme.example/": false, "https://cdn..example/": false,
			"https://cdn_x.acme.example/": false, "https://bücher.example/l.png": false, "https://cdn.acme.example/l ogo.png": false,
			"https://cdn.acme.example/l.png\n": false, "https://cdn.acme.example\\@192.0.2.1/": false, "https://%31%39%32.0.2.1/": false, 5: false,
		} {
			got := faults(t, document(t, map[string]any{"branding": map[string]any{field: value}}))
			if good && got != nil || !good && !slices.Equal(got, []string{"branding." + field}) {
				t.Errorf("%s = %v, faults: %v", field, value, got)
			}
		}
	}
}

// TestRegions holds the list against Supabase's own document.
func TestRegions(t *testing.T) {
	folder := os.Getenv("VENDOR_SPECS")
	if folder == "" {
		t.Skip("VENDOR_SPECS names no folder of the vendors' API documents")
	}
	text, err := os.ReadFile(filepath.Join(folder, "supabase.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas struct {
				V1CreateProjectBody struct {
					Properties struct {
						Region struct{ Enum []string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	want := document.Components.Schemas.V1CreateProjectBody.Properties.Region.Enum
	got := fleet.Regions()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("regions %v\nSupabase's %v", got, want)
	}
}

func TestDefaultsAndValues(t *testing.T) {
	for name, test := range map[string]struct {
		body []byte
		want Form
	}{
		"defaults": {document(t, nil), Form{Company: "Acme", Slug: "acme", AdminName: "Ada", AdminEmail: "ada@acme.example", Plan: "flat", Vertical: "general",
			Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US"}},
		"nulls": {[]byte(`{"company":"Acme","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat",
			"region":null,"timezone":null,"locale":null,"phone":null,"branding":null}`), Form{Company: "Acme", Slug: "acme", AdminName: "Ada",
			AdminEmail: "ada@acme.example", Plan: "flat", Vertical: "general", Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US"}},
		"sample": {sample(t), Form{Company: "Acme Dental", Slug: "acme-dental", AdminName: "Ada Byron", AdminEmail: "ada@acme-dental.example",
			Phone: "+12125550123", Plan: "flat", Vertical: "dental", Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US",
			Branding: fleet.Branding{PrimaryColor: "#0f766e", SecondaryColor: "#f59e0b"}}},
	} {
		got, err := parse(test.body)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func sample(t testing.TB) []byte {
	t.Helper()
	text, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAllFaultsAtOnce: whatever is wrong with one field does not hide what is wrong with another.
func TestAllFaultsAtOnce(t *testing.T) {
	required := []string{"admin_email", "admin_name", "company", "plan", "slug"}
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"nothing given": {`{}`, required},
		"all null":      {`{"company":null,"slug":null,"admin_name":null,"admin_email":null,"plan":null}`, required},
		"all wrong types": {`{"company":1,"slug":true,"admin_name":[],"admin_email":{},"plan":1.5,"phone":0,"region":[],"timezone":{},"locale":false,"branding":"x","tier":1,"vertical":[]}`,
			[]string{"admin_email", "admin_name", "branding", "company", "locale", "phone", "plan", "region", "slug", "tier", "timezone", "vertical"}},
		"a wrong type, a bad value, an unknown field, a double one": {
			`{"company":1,"slug":"-","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat","plan":"flat","colour":"red","branding":{"primary_color":"x","logo":1}}`,
			[]string{"branding.logo", "branding.primary_color", "colour", "company", "plan", "slug"}},
		"double in branding": {`{"company":"A","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat","branding":{"primary_color":"#000000","primary_color":"#000000"}}`,
			[]string{"branding.primary_color"}},
		"a list for branding": {`{"company":"A","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat","branding":[{}]}`, []string{"branding"}},
		"other cases":         {`{"Company":"A","SLUG":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat"}`, []string{"Company", "SLUG", "company", "slug"}},
		"double, the last good": {`{"slug":5,"company":"A","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat"}`,
			[]string{"slug"}},
		"double by an escape":           {`{"slug":"acme","company":"A","sl\u0075g":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat"}`, []string{"slug"}},
		"half a surrogate pair":         {`{"company":"A\ud800","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat"}`, []string{"company"}},
		"a member without a name":       {`{"":1,"company":"A","slug":"acme","admin_name":"Ada","admin_email":"ada@acme.example","plan":"flat"}`, []string{""}},
		"every field of another's form": {`{"instance_id":"x","status":"APPROVED"}`, append([]string{"instance_id", "status"}, required...)},
	} {
		slices.Sort(test.want)
		if got := faults(t, []byte(test.body)); !slices.Equal(got, test.want) {
			t.Errorf("%s: faults %q, want %q", name, got, test.want)
		}
	}
}

// TestFaultsSayWhatIsWrong: a double or mistyped field is told as that, and not as one that lacks.
func TestFaultsSayWhatIsWrong(t *testing.T) {
	_, err := parse([]byte(`{"slug":"acme","slug":7,"company":7,"branding":7,"x":7,"plan":"free"}`))
	bad, _ := err.(httpapi.BadFields)
	for field, want := range map[string]string{"slug": "more than once", "company": "want a string", "branding": "want an object", "x": "no such", "plan": "one of flat"} {
		if !strings.Contains(bad[field], want) {
			t.Errorf("%s: %q does not say %q", field, bad[field], want)
		}
	}
}

func TestNoObject(t *testing.T) {
	good := string(document(t, nil))
	for name, body := range map[string]string{
		"empty": "", "spaces": "  \n", "null": "null", "string": `"x"`, "number": "1", "list": "[" + good + "]", "text": "company=Acme&slug=acme",
		"two objects": good + good, "trailing word": good + " x", "trailing comma": good + ",", "trailing brace": good + "}", "cut off": good[:len(good)-1],
		"comma before the end": good[:len(good)-1] + ",}", "single quotes": strings.ReplaceAll(good, `"`, `'`), "comment": good + "// x",
		"invalid UTF-8": strings.Replace(good, "Acme", "A\xffcme", 1), "invalid UTF-8 in a name": strings.Replace(good, "company", "c\xc3", 1),
		"byte order mark": "\ufeff" + good, "NUL": good + "\x00", "control character in a string": strings.Replace(good, "Acme", "A\ncme", 1),
		"deep": strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), "deep member": `{"company":` + strings.Repeat("[", 30_000) + `}`,
	} {
		_, err := parse([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Status != http.StatusBadRequest {
			t.Errorf("%s: %v, want a 400 fault", name, err)
		}
	}
	for _, body := range []string{" " + good + "\n\t", "\r\n" + good} {
		if got := faults(t, []byte(body)); got != nil {
			t.Errorf("white space around it: %v", got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add(document(f, nil))
	f.Add(document(f, map[string]any{"slug": 5, "branding": map[string]any{"primary_color": "#000000"}, "timezone": "../x", "locale": "x-y"}))
	f.Add([]byte(`{"slug":"a","slug":"b","a":[[{}]],"":null}`))
	f.Add([]byte("{\"company\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := parse(body)
		switch err := err.(type) {
		case httpapi.BadFields:
			if len(err) == 0 {
				t.Error("faults without a field")
			}
			return
		case error:
			if !fault.Is(err, fault.Rejected) {
				t.Error(err)
			}
			return
		}
		text, err := json.Marshal(form)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(text)
		if diff := cmp.Diff(form, again); err != nil || diff != "" {
			t.Errorf("what was taken is not taken again: %v %s", err, diff)
		}
		if !text200(form.Company) || len(form.Slug) > 40 || strings.ContainsAny(form.AdminEmail+form.Slug+form.Phone, "\r\n ") {
			t.Errorf("taken: %+v", form)
		}
	})
}

func text200(s string) bool { return s != "" && len([]rune(s)) <= 200 }
