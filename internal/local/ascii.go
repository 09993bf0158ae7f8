package main

import (
	"cmp"
	"io"
	"strings"
)

// spelled are our signs and what stands for each where a terminal shows letters of ASCII only; each takes as much room.
var spelled = strings.NewReplacer("✓", "+", "✗", "x", "●", "*", "↻", "~", "·", ".", "■", "#", "×", "x", "…", ">", "→", ">",
	"─", "-", "│", "|", "┬", "+", "┴", "+", "┼", "+", "├", "+", "┤", "+", "┌", "/", "└", "\\", "╶", "-")

// showsUnicode reports whether the locale's letters are Unicode's. As POSIX has it, the first of these variables counts, and none
// means the C locale.
func showsUnicode(getenv func(string) string) bool {
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}

// readable is w for text that people read, in letters that their locale shows.
func (t terminal) readable(w io.Writer) io.Writer {
	if showsUnicode(t.getenv) {
		return w
	}
	return asciiWriter{w}
}

// asciiWriter spells our signs in ASCII. No sign may be split over two writes.
type asciiWriter struct{ w io.Writer }

func (a asciiWriter) Write(b []byte) (int, error) {
	if _, err := spelled.WriteString(a.w, string(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
