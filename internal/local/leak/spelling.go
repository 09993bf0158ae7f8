package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// Spellings are how a value may stand in a text: plain; in JSON, also as JSON within JSON; in a URL's query or path; in HTML; in
// hexadecimal; in base64 of either alphabet, whatever stands before and after it there.
func Spellings(value string) []string {
	once := inJSON(value)
	all := []string{value, once, inJSON(once), plainJSON(value), url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value),
		hex.EncodeToString([]byte(value))}
	for before := range 3 {
		all = append(all, inBase64(base64.RawStdEncoding, value, before), inBase64(base64.RawURLEncoding, value, before))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inJSON is value within a JSON string as json.Marshal writes it.
func inJSON(value string) string {
	text, _ := json.Marshal(value) // a string always encodes
	return strings.Trim(string(text), `"`)
}

// plainJSON is the same from an encoder that leaves HTML's signs alone.
func plainJSON(value string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // as inJSON
	return strings.Trim(strings.TrimSpace(out.String()), `"`)
}

// inBase64 is what all base64 has in common in which value stands after a number of bytes that leaves the remainder before when divided
// by three: without the letters at either end that depend on its neighbours.
func inBase64(e *base64.Encoding, value string, before int) string {
	text := e.EncodeToString(append(make([]byte, before), value...))
	return text[(8*before+5)/6 : 8*(before+len(value))/6]
}
