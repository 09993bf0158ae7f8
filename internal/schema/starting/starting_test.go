package starting

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// samples are values as long as they usually get.
var samples = map[string]string{
	"first_name": "Bernadette", "company": "Acme Dental Berlin", "date": "26/11/2026", "time": "10:30",
	"link": "https://acme.gimbal.app/x1Yz",
}

var placeholder = regexp.MustCompile(`\{([^}]*)\}`)

func placeholders(text string) []string {
	names := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// gsm7 is what an SMS of 160 characters may hold (3GPP TS 23.038), without the characters that count as two.
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

func TestEveryVerticalIsCompleteInEveryLanguage(t *testing.T) {
	keys := []string{"campaign_start", "follow_up", "opt_out_confirmation", "reminder", "welcome"}
	for _, v := range fleet.Verticals() {
		c, err := For(v)
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		seen, uses := map[string]bool{}, map[string][]string{}
		optOut := map[string]OptOut{}
		for _, o := range c.OptOut {
			optOut[o.Locale] = o
		}
		for _, m := range c.Templates {
			where := strings.Join([]string{v, m.Key, m.Channel, m.Locale}, "/")
			seen[m.Key+m.Channel+m.Locale] = true
			if m.Name == "" || m.Body == "" || (m.Channel == "email") != (m.Subject != nil) || m.Subject != nil && *m.Subject == "" {
				t.Errorf("%s is incomplete", where)
			}
			used := placeholders(m.Body)
			for _, name := range append(slices.Clone(used), placeholders(deref(m.Subject))...) {
				if samples[name] == "" && name != "opt_out_notice" {
					t.Errorf("%s has an unknown placeholder %q", where, name)
				}
			}
			if first, found := uses[m.Key+m.Channel]; !found {
				uses[m.Key+m.Channel] = used
			} else if diff := cmp.Diff(first, used); diff != "" {
				t.Errorf("%s uses other placeholders than the first language (-first +this):\n%s", where, diff)
			}
			if marketing := slices.Contains([]string{"welcome", "follow_up", "campaign_start"}, m.Key); marketing != slices.Contains(used, "opt_out_notice") {
				t.Errorf("%s: says how to opt out: %v", where, !marketing)
			}
			if m.Channel == "sms" {
				checkSMS(t, where, strings.ReplaceAll(m.Body, "{opt_out_notice}", optOut[m.Locale].SMS))
			}
		}
		for _, l := range Locales() {
			for _, k := range keys {
				if !seen[k+"sms"+l] || !seen[k+"email"+l] {
					t.Errorf("%s lacks %s in %s", v, k, l)
				}
			}
			if o := optOut[l]; o.Keyword == "" || !strings.Contains(o.SMS, o.Keyword) || !strings.Contains(o.Email, "{unsubscribe_link}") {
				t.Errorf("opt-out in %s: %+v", l, o)
			}
			if len(c.Tags[l]) != len(c.Tags["en"]) || len(c.Tags[l]) < 3 {
				t.Errorf("%s has tags %q in %s", v, c.Tags[l], l)
			}
		}
		if want := len(keys) * 2 * len(Locales()); len(c.Templates) != want {
			t.Errorf("%s has %d templates, want %d", v, len(c.Templates), want)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkSMS refuses what costs more than one segment.
func checkSMS(t *testing.T, where, body string) {
	text := placeholder.ReplaceAllStringFunc(body, func(p string) string { return samples[strings.Trim(p, "{}")] })
	length := 0
	for _, r := range text {
		if !strings.ContainsRune(gsm7, r) {
			t.Errorf("%s: %q is not in the GSM alphabet", where, r)
		}
		length++
	}
	if length > 160 {
		t.Errorf("%s: %d characters: %s", where, length, text)
	}
}

func TestVerticalsDiffer(t *testing.T) {
	bodies := map[string]string{}
	for _, v := range fleet.Verticals() {
		c, err := For(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Templates {
			if m.Key != "welcome" || m.Channel != "email" {
				continue
			}
			if other := bodies[m.Body]; other != "" {
				t.Errorf("%s welcomes like %s in %s", v, other, m.Locale)
			}
			bodies[m.Body] = v
		}
	}
}

func TestUnknownVertical(t *testing.T) {
	if _, err := For("mining"); err == nil {
		t.Error("there is content for mining")
	}
	if c, err := For(""); err != nil || c.Vertical != fleet.GeneralVertical {
		t.Errorf("no vertical: %s, %v", c.Vertical, err)
	}
}

func TestClosest(t *testing.T) {
	for tag, want := range map[string]string{"en-US": "en", "de-AT": "de", "de": "de", "gsw-CH": "de", "es-419": "es", "es-MX": "es",
		"fr-CA": "fr", "ja-JP": "en", "": "en", "not a tag": "en", "fr-u-ca-gregory": "fr", "und": "en"} {
		if got := Closest(tag); got != want {
			t.Errorf("%q: %s, want %s", tag, got, want)
		}
	}
}
