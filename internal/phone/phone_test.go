package phone

import (
	"regexp"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
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

// TestAgainstTheLibrary: the numbers that the library has as examples of those that are given out, anywhere and of any type, are taken
// if they can be dialled from abroad, and so are they with other last digits; longer and shorter ones only where the library holds the
// length possible.
func TestAgainstTheLibrary(t *testing.T) {
	examples := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := range phonenumbers.UNKNOWN {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
				continue
			}
			examples++
			text := phonenumbers.Format(number, phonenumbers.E164)
			for _, like := range []string{text, text[:len(text)-2] + "00", text[:len(text)-2] + "99"} {
				if !Possible(like) {
					t.Errorf("%s, of %s, is refused", like, region)
				}
			}
			for _, other := range []string{text + "1", text + "11", text + "111", text[:len(text)-1], text[:len(text)-2], text[:len(text)-3]} {
				parsed, err := phonenumbers.Parse(other, "")
				if err != nil || phonenumbers.Format(parsed, phonenumbers.E164) != other {
					continue // the library takes some of it for a prefix
				}
				if got, want := Possible(other), phonenumbers.IsPossibleNumberWithReason(parsed) == phonenumbers.IS_POSSIBLE; got != want {
					t.Errorf("%s, of %s: %t, and by the library %t", other, region, got, want)
				}
			}
		}
	}
	if examples < 1000 {
		t.Errorf("the library has %d examples only", examples)
	}
}

// FuzzPossible: what is possible is digits after a plus, and possible by the library.
func FuzzPossible(f *testing.F) {
	f.Add("+12125550123")
	f.Add("tel:+1-212-555-0123;phone-context=x")
	f.Add(strings.Repeat("+", 300))
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{1,19}$`) // some countries have more than the ITU's 15 digits
	f.Fuzz(func(t *testing.T, text string) {
		if !Possible(text) {
			return
		}
		if !e164.MatchString(text) {
			t.Errorf("%q", text)
		}
		parsed, err := phonenumbers.Parse(text, "")
		if err == nil && phonenumbers.Format(parsed, phonenumbers.E164) == text && phonenumbers.IsPossibleNumberWithReason(parsed) != phonenumbers.IS_POSSIBLE {
			t.Errorf("%s is possible, and by the library it is not", text)
		}
	})
}
