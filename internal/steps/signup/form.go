package signup

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones must not depend on the machine's files
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

// Form is the webhook's payload.
type Form struct {
	Company    string         `json:"company"` // 1–200 characters
	Slug       string         `json:"slug"`    // a DNS label of 3–40 a-z, 0-9, -
	AdminName  string         `json:"admin_name"`
	AdminEmail string         `json:"admin_email"`
	Phone      string         `json:"phone,omitempty"`    // E.164
	Plan       string         `json:"plan"`               // flat, usage, tiered
	Region     string         `json:"region,omitempty"`   // us-east-1 unless given
	Timezone   string         `json:"timezone,omitempty"` // IANA; America/New_York unless given
	Locale     string         `json:"locale,omitempty"`   // BCP 47; en-US unless given
	Branding   fleet.Branding `json:"branding,omitzero"`
}

// badFields tells by field what is wrong with it.
type badFields map[string]string

func (badFields) Error() string { return "the payload has faults" }

var (
	slugPattern   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	phonePattern  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2}-[a-z]+-[1-9]$`)
	colorPattern  = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	plans         = []string{"flat", "usage", "tiered"}
	reserved      = []string{"admin", "api", "app", "assets", "auth", "billing", "blog", "cdn", "console", "docs", "em", "fleet", "ftp",
		"gimbal", "help", "imap", "mail", "mx", "ns1", "ns2", "pop", "portal", "smtp", "staging", "static", "status", "support", "test", "www"}
)

// parse reads a payload strictly and fills defaults in. All faults of its fields come at once, as badFields; a payload that
// is no JSON object of these fields is a 400 fault.
func parse(body []byte) (Form, error) {
	f := Form{Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US"}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return f, malformed(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return f, httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "something follows the JSON object")
	}
	bad := badFields{}
	check := func(ok bool, field, want string) {
		if !ok {
			bad[field] = want
		}
	}
	check(text(f.Company, 200), "company", "1 to 200 printable characters")
	check(len(f.Slug) >= 3 && len(f.Slug) <= 40 && slugPattern.MatchString(f.Slug) && !strings.Contains(f.Slug, "--"), "slug",
		"3 to 40 of a-z, 0-9 and single -, neither beginning nor ending with -")
	check(!slices.Contains(reserved, f.Slug), "slug", "this one is reserved")
	check(text(f.AdminName, 200), "admin_name", "1 to 200 printable characters")
	check(address(f.AdminEmail), "admin_email", "a mail address, such as ada@example.com")
	check(f.Phone == "" || phonePattern.MatchString(f.Phone), "phone", "a number in E.164, such as +12125550123, or nothing")
	check(slices.Contains(plans, f.Plan), "plan", "one of "+strings.Join(plans, ", "))
	check(regionPattern.MatchString(f.Region), "region", "a region such as us-east-1")
	_, err := time.LoadLocation(f.Timezone)
	check(err == nil && f.Timezone != "" && f.Timezone != "Local" && len(f.Timezone) <= 50, "timezone", "an IANA time zone, such as America/New_York")
	_, err = language.Parse(f.Locale)
	check(err == nil && len(f.Locale) <= 10, "locale", "a BCP 47 tag of up to 10 characters, such as en-US")
	check(f.Branding.PrimaryColor == "" || colorPattern.MatchString(f.Branding.PrimaryColor), "branding.primary_color", "a colour as #rrggbb")
	check(f.Branding.SecondaryColor == "" || colorPattern.MatchString(f.Branding.SecondaryColor), "branding.secondary_color", "a colour as #rrggbb")
	if len(bad) > 0 {
		return f, bad
	}
	return f, nil
}

func malformed(err error) error {
	switch e := err.(type) {
	case *json.UnmarshalTypeError:
		return badFields{e.Field: "wrong type: want " + e.Type.String()}
	default:
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return badFields{strings.Trim(name, `"`): "no such field"}
		}
		return httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "the body is no JSON object")
	}
}

// text is 1 to most characters, all printable, not only spaces.
func text(s string, most int) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= most &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError })
}

func address(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254 && a.Name == "" && strings.Contains(s[strings.LastIndexByte(s, '@')+1:], ".")
}
