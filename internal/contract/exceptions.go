package contract

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const undeclared = "the status is not declared"

// exception is a place where a vendor's document is known to differ from its API, so that a violation there says
// nothing about Fleet.
type exception struct {
	document  string // empty: all
	operation string // empty: all
	what      string // "request" or "answer"
	statuses  func(status int) bool
	text      *regexp.Regexp // nil: all
	why       string
}

var exceptions = []exception{
	{
		what:     "answer",
		statuses: func(status int) bool { return status == http.StatusTooManyRequests || status >= 500 },
		text:     regexp.MustCompile("^" + undeclared + "$"),
		why:      "gateways answer 429 and 5xx on every operation, declared or not",
	},
	{
		what:     "answer",
		statuses: func(status int) bool { return status == http.StatusUnauthorized || status == http.StatusForbidden },
		text:     regexp.MustCompile("^" + undeclared + "$"),
		why:      "a token that is wrong or lacks a permission is refused on every operation, declared or not",
	},
	{
		what: "answer",
		text: regexp.MustCompile(": oneOf: " + conflict),
		why:  "the documents are made from union types, whose members may overlap: oneOf is written where anyOf is meant",
	},
	{
		document: "supabase",
		what:     "answer",
		statuses: clientErrors,
		text:     regexp.MustCompile("^" + undeclared + "$"),
		why:      "the document declares no 400, 402, 404, 406 and 409, which the recorded API answers",
	},
	{
		document: "vercel",
		what:     "answer",
		statuses: func(status int) bool { return status == http.StatusNotFound },
		text:     regexp.MustCompile("^" + undeclared + "$"),
		why:      "an absent project, or one of another team, is a 404 on every operation; few declare it",
	},
	{
		document:  "vercel",
		operation: "getDeploymentsV7",
		what:      "request",
		text:      regexp.MustCompile(`^query parameter meta-.* is not declared$`),
		why:       "the filter by meta is left out of the document; Vercel's command line uses it",
	},
	{
		document:  "cloudflare",
		operation: "createZoneRulesetRule",
		what:      "request",
		text:      regexp.MustCompile(`^body field ratelimit is not declared$`),
		why:       "the document of 2024 leaves out what rules of the phase http_ratelimit need; the SDK's types have it",
	},
}

func clientErrors(status int) bool { return status >= 400 && status < 500 }

func excepted(document, operation, what string, status int, text string) bool {
	return slices.ContainsFunc(exceptions, func(e exception) bool {
		return (e.document == "" || e.document == document) &&
			(e.operation == "" || e.operation == operation) &&
			e.what == what &&
			(e.statuses == nil || e.statuses(status)) &&
			(e.text == nil || e.text.MatchString(text))
	})
}

// undocumentedPaths are served by the vendors though none of the documents describes them.
var undocumentedPaths = []struct{ part, why string }{
	{"/storage/v1/", "Supabase's Storage server has no document"},
	{"/rest/v1/", "PostgREST describes a project's own tables"},
	{"/v3/user/webhooks/event/settings/", "SendGrid describes webhooks in a document of their own, which is not among these"},
}

func undocumented(req *http.Request) bool {
	for _, p := range undocumentedPaths {
		if strings.Contains(req.URL.Path+"/", p.part) {
			return true
		}
	}
	return false
}
