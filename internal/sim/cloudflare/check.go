package cloudflare

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// types are the kinds of records that the simulator knows.
var types = []string{"A", "AAAA", "CNAME", "NS", "TXT"}

// hostname is a name of letters, digits, hyphens and underscores, its labels up to 63 long, in Punycode.
var hostname = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// longestComment is Cloudflare's limit on the smallest plan.
const longestComment = 100

// check says what is wrong with a record by itself.
func check(r record) (problem, bool) {
	switch {
	case !slices.Contains(types, r.Type):
		return problem{Code: 9004, Message: "DNS record type is invalid."}, true
	case len(r.Name) > 253 || !hostname.MatchString(r.Name):
		return problem{Code: 9000, Message: "DNS name is invalid."}, true
	case r.TTL != 1 && (r.TTL < 60 || r.TTL > 86400):
		return problem{Code: 9021, Message: "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."}, true
	case r.Proxied && !r.Proxiable:
		return problem{Code: 9004, Message: "This record type cannot be proxied."}, true
	case utf8.RuneCountInString(r.Comment) > longestComment || strings.ContainsAny(r.Comment, "\r\n"):
		return problem{Code: 9300, Message: "DNS record comment is invalid."}, true
	}
	return checkContent(r)
}

func checkContent(r record) (problem, bool) {
	addr, err := netip.ParseAddr(r.Content)
	switch {
	case r.Type == "A" && (err != nil || !addr.Is4()):
		return problem{Code: 9005, Message: "Content for A record must be a valid IPv4 address."}, true
	case r.Type == "AAAA" && (err != nil || !addr.Is6()):
		return problem{Code: 9006, Message: "Content for AAAA record must be a valid IPv6 address."}, true
	case (r.Type == "CNAME" || r.Type == "NS") && !hostname.MatchString(r.Content):
		return problem{Code: 9007, Message: "Content for " + r.Type + " record is invalid."}, true
	case r.Type == "CNAME" && r.Content == r.Name:
		return problem{Code: 9039, Message: "A CNAME record cannot reference itself."}, true
	case r.Content == "":
		return problem{Code: 9009, Message: "Content must not be empty."}, true
	}
	return problem{}, false
}
