package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// seconds is a duration for people: "0.4s", "12.3s", "2m05s", "30d 00:12:05".
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	whole := int(d.Seconds() + 0.5)
	if d >= day {
		return fmt.Sprintf("%dd %02d:%02d:%02d", whole/86400, whole/3600%24, whole/60%60, whole%60)
	}
	return fmt.Sprintf("%dm%02ds", whole/60, whole%60)
}

const day = 24 * time.Hour

// date is a time for people, to the minute: what lies days apart.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// days is a number of whole days.
func days(d time.Duration) string { return counted(int((d+day/2)/day), "day") }

// atWords breaks a text between words into lines of at most width columns, as far as the words allow it.
func atWords(text string, width int) string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && wide(line)+1+wide(word) > width {
				lines = append(lines, line)
				line = ""
			}
			line = strings.TrimPrefix(line+" "+word, " ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// counted is a number of things: "1 call", "2 calls".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// words lists what there is to choose from: "active, suspended or terminated".
func words[T ~string](all []T) string {
	var text strings.Builder
	for i, w := range all {
		switch {
		case i > 0 && i == len(all)-1:
			text.WriteString(" or ")
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(string(w))
	}
	return text.String()
}

// latest says what was last asked of a vendor, and how often by now: "supabase GetProject ×12".
func latest(calls []sim.Call) string {
	if len(calls) == 0 {
		return ""
	}
	last := calls[len(calls)-1]
	n := 0
	for _, c := range calls {
		if c.Vendor == last.Vendor && c.Operation == last.Operation {
			n++
		}
	}
	text := last.Vendor + " " + last.Operation
	if n > 1 {
		text += fmt.Sprintf(" ×%d", n)
	}
	return text
}

// lastOperation is the operation that was last asked for.
func lastOperation(calls []sim.Call) string {
	if len(calls) == 0 {
		return ""
	}
	return calls[len(calls)-1].Operation
}
