package phone

import (
	"regexp"
	"strings"
	"testing"
)

func TestPossible(t *testing.T) {
	for text, want := range map[string]bool{
		"+12125550123": true, "+442079460958": true, "+4915112345678": true, "+493012345": true, "+61491570156": true, "+80012345678": true,
		"": false, "+": false, "12125550123": false, "2125550123": false, "+1 212 555 0123": false, "+1-212-555-0123": false, "tel:+12125550123": false,
		"+12125550123;ext=5": false, "+12125550123x5": false, "+1212555012": false, "+1234567": false, "+123456789012345": false,
		"+0212555012": false, "+9990123456": false, "+1212555O123": false, "+１２１２５５５０１２３": false, "+12125550123\n": false, "++12125550123": false,
		"+44 (0)20 7946 0958": false, "+4402079460958": false,
	} {
		if got := Possible(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func FuzzPossible(f *testing.F) {
	f.Add("+12125550123")
	f.Add("tel:+1-212-555-0123;phone-context=x")
	f.Add(strings.Repeat("+", 300))
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{1,17}$`) // Germany has some over the ITU's 15 digits
	f.Fuzz(func(t *testing.T, text string) {
		if Possible(text) && !e164.MatchString(text) {
			t.Errorf("%q", text)
		}
	})
}
