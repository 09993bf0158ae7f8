package signup

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones must not depend on the machine's files

	"golang.org/x/text/language"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/phone"
)

// Form is the webhook's payload.
type Form struct {
	Company    string         `json:"company"` // 1–200 characters
	Slug       string         `json:"slug"`    // a DNS label of 3–40 a-z, 0-9, -
	AdminName  string         `json:"admin_name"`
	AdminEmail string         `json:"admin_email"`
	Phone      string         `json:"phone,omitempty"`    // E.164
	Plan       string         `json:"plan"`               // flat, usage, tiered
	Tier       string         `json:"tier,omitempty"`     // of the tiered plan, which needs one: starter, growth, scale
	Vertical   string         `json:"vertical,omitempty"` // general unless given
	Region     string         `json:"region,omitempty"`   // us-east-1 unless given
	Timezone   string         `json:"timezone,omitempty"` // IANA; America/New_York unless given
	Locale     string         `json:"locale,omitempty"`   // BCP 47; en-US unless given
	Branding   fleet.Branding `json:"branding,omitzero"`
}

var (
	slugPattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	colorPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	zonePattern  = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`) // not a file beside the zones
	// reserved are host names of Fleet's own in the zone, and those that people would take for it.
	reserved = []string{"admin", "api", "app", "assets", "auth", "billing", "blog", "cdn", "console", "docs", "em", "fleet", "ftp",
		"gimbal", "help", "imap", "mail", "mx", "ns1", "ns2", "pop", "portal", "smtp", "staging", "static", "status", "support", "test", "www"}
)

// parse reads a payload strictly and fills defaults in. All faults of its fields come at once, as httpapi.BadFields; a payload that
// is no JSON object is a 400 fault.
func parse(body []byte) (Form, error) {
	f := Form{Vertical: fleet.GeneralVertical, Region: "us-east-1", Timezone: "America/New_York", Locale: "en-US"}
	p, err := newPayload(body)
	if err != nil {
		return f, err
	}
	p.text("company", &f.Company)
	p.text("slug", &f.Slug)
	p.text("admin_name", &f.AdminName)
	p.text("admin_email", &f.AdminEmail)
	p.text("phone", &f.Phone)
	p.text("plan", &f.Plan)
	p.text("tier", &f.Tier)
	p.text("vertical", &f.Vertical)
	p.text("region", &f.Region)
	p.text("timezone", &f.Timezone)
	p.text("locale", &f.Locale)
	branding := p.object("branding")
	branding.text("primary_color", &f.Branding.PrimaryColor)
	branding.text("secondary_color", &f.Branding.SecondaryColor)
	branding.text("logo_url", &f.Branding.LogoURL)
	branding.text("favicon_url", &f.Branding.FaviconURL)
	branding.end()
	p.end()
	f.check(p.bad)
	if len(p.bad) > 0 {
		return f, p.bad
	}
	return f, nil
}

// check notes what is wrong with the fields' values.
func (f Form) check(bad httpapi.BadFields) {
	check := func(ok bool, field, want string) {
		if !ok {
			bad.Add(field, want)
		}
	}
	check(httpapi.Printable(f.Company, 200), "company", "1 to 200 printable characters")
	check(len(f.Slug) >= 3 && len(f.Slug) <= 40 && slugPattern.MatchString(f.Slug) && !strings.Contains(f.Slug, "--"), "slug",
		"3 to 40 of a-z, 0-9 and single -, neither beginning nor ending with -")
	check(!slices.Contains(reserved, f.Slug), "slug", "this one is reserved")
	check(httpapi.Printable(f.AdminName, 200), "admin_name", "1 to 200 printable characters")
	check(address(f.AdminEmail), "admin_email", "a mail address, such as ada@example.com")
	check(f.Phone == "" || phone.Possible(f.Phone), "phone", "a number in E.164 that its country can have, such as +12125550123, or nothing")
	check(slices.Contains(fleet.Plans(), f.Plan), "plan", "one of "+strings.Join(fleet.Plans(), ", "))
	if f.Plan == fleet.TieredPlan {
		check(slices.Contains(fleet.Tiers(), f.Tier), "tier", "one of "+strings.Join(fleet.Tiers(), ", ")+": the tiered plan needs one")
	} else {
		check(f.Tier == "", "tier", "nothing: only the tiered plan has tiers")
	}
	check(slices.Contains(fleet.Verticals(), f.Vertical), "vertical", "one of "+strings.Join(fleet.Verticals(), ", ")+", or nothing")
	check(slices.Contains(fleet.Regions(), f.Region), "region", "one of "+strings.Join(fleet.Regions(), ", "))
	check(zone(f.Timezone), "timezone", "an IANA time zone, such as America/New_York")
	check(locale(f.Locale), "locale", "a BCP 47 tag of up to 10 characters, such as en-US")
	check(f.Branding.PrimaryColor == "" || colorPattern.MatchString(f.Branding.PrimaryColor), "branding.primary_color", "a colour as #rrggbb")
	check(f.Branding.SecondaryColor == "" || colorPattern.MatchString(f.Branding.SecondaryColor), "branding.secondary_color", "a colour as #rrggbb")
	const image = "an https address of up to 500 characters at a host name, without user, password or port, or nothing"
	check(f.Branding.LogoURL == "" || imageURL(f.Branding.LogoURL), "branding.logo_url", image)
	check(f.Branding.FaviconURL == "" || imageURL(f.Branding.FaviconURL), "branding.favicon_url", image)
}

// address is a bare mail address at a name with a dot: at most 254 characters, 64 of them before the @.
func address(s string) bool {
	a, err := mail.ParseAddress(s)
	at := strings.LastIndexByte(s, '@')
	return err == nil && a.Address == s && a.Name == "" && len(s) <= 254 && at <= 64 && strings.Contains(s[at+1:], ".") &&
		!strings.Contains(s, "[")
}

func zone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "Local" && len(s) <= 50 && zonePattern.MatchString(s)
}

// longestURL is that of an image's address, in bytes.
const longestURL = 500

// hostName is one of two labels or more, the last of which isn't all digits, as an IP address's is: 0x7f.1 and 127.1 are none.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// imageURL is an address from which an image may be fetched later, as far as its text tells: what its name resolves to is judged
// when it is fetched.
func imageURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= longestURL && u.Scheme == "https" && u.Opaque == "" && u.User == nil && (u.Port() == "" || u.Port() == "443") &&
		!strings.HasSuffix(u.Host, ":") && len(u.Hostname()) <= 253 && hostName.MatchString(strings.ToLower(u.Hostname())) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' })
}

// locale is stricter than the parser, which takes "en_US" as well: browsers don't.
func locale(s string) bool {
	_, err := language.Parse(s)
	return err == nil && len(s) <= 10 && !strings.Contains(s, "_")
}
