// Package runbooks holds a page for each fault code, kind of incident and failure of an operation: what it means, what Fleet
// does by itself, what to check, and by which command.
package runbooks

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed *.md
var files embed.FS

// Page is one runbook.
type Page struct {
	// Code is the fault code, kind of incident or failure that it is about.
	Code  string `json:"code"`
	Title string `json:"title"`
	// Text is the whole page, in Markdown.
	Text string `json:"text"`
}

// Sections are the headings of every page, in order.
func Sections() []string {
	return []string{"What it means", "What Fleet does", "What to check", "Commands"}
}

// All lists the pages, by code.
func All() []Page {
	entries, _ := files.ReadDir(".") // what is embedded can be read
	pages := make([]Page, 0, len(entries))
	for _, e := range entries {
		text, _ := files.ReadFile(e.Name())
		heading, _, _ := strings.Cut(string(text), "\n")
		_, title, _ := strings.Cut(heading, ": ")
		pages = append(pages, Page{Code: strings.TrimSuffix(e.Name(), path.Ext(e.Name())), Title: title, Text: string(text)})
	}
	return pages
}

// died is the page for every way in which a Lambda ends without an answer, and deaths begin the names that AWS has for them.
const died = "States.TaskFailed"

var deaths = []string{"sandbox.", "runtime.", "lambda.", "extension.", "function."}

// Find gives the page of a code, in upper or lower case.
func Find(code string) (Page, bool) {
	all := All()
	of := func(code string) int {
		return slices.IndexFunc(all, func(p Page) bool { return strings.EqualFold(p.Code, code) })
	}
	i := of(code)
	if i < 0 && slices.ContainsFunc(deaths, func(begin string) bool { return strings.HasPrefix(strings.ToLower(code), begin) }) {
		i = of(died)
	}
	if i < 0 {
		return Page{}, false
	}
	return all[i], true
}

// Name is the code under which the page of a code or failure is found, empty where there is none.
func Name(code string) string {
	p, _ := Find(code)
	return p.Code
}
