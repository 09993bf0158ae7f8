package main

import (
	"regexp"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
)

func lower(text string) string { return strings.ToLower(text) }

var codeSpan = regexp.MustCompile("`([^`]+)`")

// runbook shows a page: its headings strong, its commands so that they are seen, its lines as wide as the terminal.
func (p page) runbook(r runbooks.Page) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(r.Text), "\n\n") {
		for _, block := range blocks(paragraph) {
			heading := strings.HasPrefix(block, "#")
			indent := 0
			if strings.HasPrefix(block, "- ") {
				indent = 2
			}
			text := p.wrap(strings.TrimLeft(block, "# "), indent)
			if heading {
				text = p.strong.Render(text)
			} else if !strings.HasPrefix(block, "    ") {
				text = codeSpan.ReplaceAllStringFunc(text, func(s string) string { return p.busy.Render(strings.Trim(s, "`")) })
			} else {
				text = p.busy.Render(block)
			}
			p.line("%s", text)
		}
		p.line("")
	}
}

// blocks joins the lines of a paragraph, and keeps list items and indented lines apart.
func blocks(paragraph string) (out []string) {
	for line := range strings.Lines(paragraph) {
		line = strings.TrimRight(line, "\n")
		own := len(out) == 0 || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "#")
		if own {
			out = append(out, line)
			continue
		}
		out[len(out)-1] += " " + strings.TrimSpace(line)
	}
	return out
}
