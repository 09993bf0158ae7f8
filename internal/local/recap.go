package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// recap is the whole play in one small table, to be pasted into a chat: Markdown where that is rendered, and aligned where it
// isn't; plain lines where width has no room for that, 0 meaning any.
func recap(r report, width int) string {
	rows := [][]string{{r.Signup.Slug, stateWords(r)}}
	if r.Instance != nil && r.Instance.State == fleet.Active {
		rows = append(rows, []string{"url", r.Instance.URL})
	}
	if r.Operation != nil && r.Operation.Failure != "" {
		rows = append(rows, []string{"why", whyWords(r)})
	}
	if r.Wall != nil {
		rows = append(rows, []string{"time", fmt.Sprintf("%.0fs of the vendors', %.0fs here", *r.Wall, r.Elapsed)})
	}
	if l := r.Life; l != nil && len(l.Leaps) > 0 {
		var passed time.Duration
		for _, leap := range l.Leaps {
			passed += leap.To.Sub(leap.From)
		}
		rows = append(rows, []string{"life", fmt.Sprintf("%s, %s fast-forwarded", counted(len(l.Operations), "operation"), days(passed))})
	}
	for _, vendor := range fleet.Vendors() {
		entries, made, left := made(r, vendor)
		switch {
		case entries == 0:
		case r.Instance.State == fleet.Active || r.Instance.State == fleet.Suspended:
			rows = append(rows, []string{vendor, fmt.Sprintf("%d created", made)})
		default:
			rows = append(rows, []string{vendor, fmt.Sprintf("%d created, %d left", made, left)})
		}
	}
	return markdown(rows, width)
}

// stateWords say how it stands with the signup's instance.
func stateWords(r report) string {
	switch r.Outcome {
	case outcomeActive:
		return "ACTIVE, healthy"
	case outcomeUnhealthy:
		return "ACTIVE, not healthy"
	case outcomeClean:
		return "taken down, nothing left"
	case outcomeSuspended:
		return "SUSPENDED"
	case outcomeTerminated:
		return "TERMINATED, certified, nothing left"
	case outcomeDirty:
		return fmt.Sprintf("failed, %d left", len(r.left()))
	}
	if r.Instance == nil {
		return string(r.Signup.Status) + ", nothing made"
	}
	return string(r.Instance.State) + ", no outcome"
}

// made counts what was wanted of a vendor, what was surely created, and what is there or may be. What the ledger doesn't know
// was created too.
func made(r report, vendor string) (entries, made, left int) {
	for _, e := range r.Resources {
		if vendorOf(e.Kind) != vendor {
			continue
		}
		entries++
		if !e.CreatedAt.IsZero() || len(e.Held) > 0 {
			made++
		}
		if e.isLeft() {
			left++
		}
	}
	return entries, made, left
}

// vendorOf is the vendor of a kind of resource.
func vendorOf(kind fleet.Kind) string {
	if outer, inside := fleet.Inside()[kind]; inside {
		kind = outer
	}
	switch kind {
	case fleet.DNSRecord:
		return "cloudflare"
	case fleet.VercelProject, fleet.VercelDomain:
		return "vercel"
	}
	vendor, _, _ := strings.Cut(string(kind), "_")
	return vendor
}

// markdown is a table of two columns, or a line per row where it would be too wide.
func markdown(rows [][]string, width int) string {
	var widths [2]int
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	wide := width == 0 || len("|  |  |")+widths[0]+widths[1] < width
	var b strings.Builder
	for i, row := range rows {
		if !wide {
			b.WriteString(row[0] + ": " + row[1] + "\n")
			continue
		}
		_, _ = fmt.Fprintf(&b, "| %-*s | %-*s |\n", widths[0], row[0], widths[1], row[1]) // a Builder never fails
		if i == 0 {
			b.WriteString("| " + strings.Repeat("-", widths[0]) + " | " + strings.Repeat("-", widths[1]) + " |\n")
		}
	}
	return b.String()
}
