package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestLocales(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "POSIX"}, false},
		{map[string]string{"LANG": "de_DE.ISO-8859-1"}, false},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "en_US.utf8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}, false},
		{map[string]string{"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, true},
	} {
		if got := showsUnicode(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %t", c.env, got)
		}
	}
}

// TestEverySignHasALetter: what is drawn and said is ASCII where it has to be, and takes the same room.
func TestEverySignHasALetter(t *testing.T) {
	var said bytes.Buffer
	summarise(terminal{getenv: func(string) string { return "C" }}.readable(&said), dirty(), 40)
	texts := map[string]string{"the summary": said.String()}
	for name, f := range map[string]frame{"provision": provisioning(), "teardown": takingDown()} {
		for _, width := range []int{40, 60, 80, 120} {
			for _, height := range []int{0, 8} {
				theme := colourless()
				unicode := theme.draw(f, width, height)
				theme.ascii = true
				ascii := theme.draw(f, width, height)
				texts[fmt.Sprintf("%s at %d×%d", name, width, height)] = ascii
				if ansi.StringWidth(unicode) != ansi.StringWidth(ascii) {
					t.Errorf("%s at %d columns takes another room in ASCII", name, width)
				}
			}
		}
	}
	for name, text := range texts {
		if i := strings.IndexFunc(text, func(r rune) bool { return r > 126 }); i >= 0 {
			t.Errorf("%s: %q is no ASCII", name, []rune(text[i:])[0])
		}
	}
}
