package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim"
)

// show prints the report: the document, or a summary for people.
func show(r report, o demoOptions, t terminal) error {
	if o.json {
		text, err := r.document()
		if err != nil {
			return err
		}
		_, err = t.out.Write(text)
		return err
	}
	summarise(t.readable(t.out), r, columns(t.out))
	return nil
}

// indent is where a fact begins, after its name.
const indent = 13

// summarise tells a person how it ended, in lines of at most width columns; 0 means any.
func summarise(w io.Writer, r report, width int) {
	say(w, "\n%s\n\n", wrap(headline(r), width, 0))
	fact := func(name, format string, args ...any) {
		say(w, "  %-*s%s\n", indent-2, name, wrap(fmt.Sprintf(format, args...), width, indent))
	}
	if r.Instance == nil {
		fact("signup", "%s is %s", r.Signup.ID, r.Signup.Status)
		if r.Signup.Reason != "" {
			fact("reason", "%s", r.Signup.Reason)
		}
		say(w, "\n%s", recap(r, width))
		return
	}
	fact("instance", "%s is %s", r.Instance.ID, r.Instance.State)
	if r.Instance.State == fleet.Active {
		fact("address", "%s", r.Instance.URL)
		fact("page", "%s", pageWords(r.Instance.Page))
		fact("health", "%s", healthWords(r.Instance.Health))
	}
	if r.Operation != nil && r.Operation.Failure != "" {
		fact("why", "%s", whyWords(r))
		fact("outcome", "%s", outcomeWords(r))
	}
	if r.Wall != nil {
		fact("took", "%s", tookWords(r))
	}
	fact("here", "%.1fs, at speed %v", r.Elapsed, r.Speed)
	fact("workflow", "%d transitions, %s of vendors, %s", r.Transitions, counted(vendorCallsIn(r), "call"), mailWords(r))
	for _, i := range r.Incidents {
		next := i.NextAction
		if !i.ClosedAt.IsZero() {
			next = "closed " + date(i.ClosedAt)
		}
		fact("incident", "%s: %s; %s", i.Code, i.Reason, next)
	}
	if r.Life != nil && !r.Instance.ActivatedAt.IsZero() {
		for _, f := range lifeFacts(r) {
			fact(f[0], "%s", f[1])
		}
		tellLife(w, r, width)
	}
	if r.Outcome != outcomeClean && r.Outcome != outcomeTerminated { // all is removed then
		say(w, "\n%s", table(r, width))
	}
	say(w, "\n%s", recap(r, width))
}

// headline is the one line that counts.
func headline(r report) string {
	slug := r.Signup.Slug
	if i := r.Instance; i != nil && !i.ActivatedAt.IsZero() && i.State != fleet.Active {
		return slug + " " + lifeHeadline(r)
	}
	switch r.Outcome {
	case outcomeActive:
		return slug + " is live: ACTIVE and healthy"
	case outcomeUnhealthy:
		return slug + " is ACTIVE, but not healthy"
	case outcomeClean:
		return slug + " was taken down again: nothing is left at any vendor"
	case outcomeDirty:
		return slug + " failed, and something is left"
	case outcomeRejected:
		return slug + " was rejected: nothing was made"
	}
	if r.Instance == nil {
		return slug + " was not begun: nothing was made"
	}
	return slug + " has no outcome"
}

func pageWords(p *pageReport) string {
	if p == nil {
		return "does not answer"
	}
	return fmt.Sprintf("%d, %d bytes, over verified TLS", p.Status, p.Bytes)
}

func healthWords(h *healthReport) string {
	if h == nil {
		return "does not answer"
	}
	return fmt.Sprintf("%s: database %s, auth %s, release %s", h.Status, h.Database, h.Auth, h.Version)
}

func whyWords(r report) string {
	if r.Interrupted && r.Operation.Failure == "ExecutionEnded" {
		return "stopped by Ctrl-C"
	}
	return r.Operation.Failure + failedIn(r)
}

// failedIn names the state whose failure ended it.
func failedIn(r report) string {
	for _, s := range r.Path {
		if s.Outcome == "failed" && s.Type == "Task" || len(s.Errors) >= int(s.Attempts) && s.Type == "Task" && s.Outcome == "exited" {
			return " in " + s.State
		}
	}
	return ""
}

func outcomeWords(r report) string {
	switch r.Outcome {
	case outcomeClean:
		if r.Signup.Quarantined {
			return "clean; the slug stays in quarantine until Fleet has looked again for what may yet turn up"
		}
		return "clean; the slug is free again"
	case outcomeDirty:
		return fmt.Sprintf("dirty: %s left, marked * below", counted(len(r.left()), "resource"))
	}
	return string(r.Outcome)
}

func tookWords(r report) string {
	text := fmt.Sprintf("%.1fs of the vendors' time", *r.Wall)
	if r.Critical != nil && *r.Critical > 0 {
		text += fmt.Sprintf(", %.2f × their critical path of %.1fs", *r.Wall / *r.Critical, *r.Critical)
	}
	return text
}

func vendorCallsIn(r report) (n int) {
	for _, s := range r.Path {
		n += len(s.Calls)
	}
	return n
}

func mailWords(r report) string {
	sent := 0
	for _, m := range r.Messages {
		if m.Status == fleet.MessageSent {
			sent++
		}
	}
	return counted(sent, "mail") + " sent"
}

// wrap breaks a text at words so that it fits after an indentation.
func wrap(text string, width, indentation int) string {
	if width <= indentation+10 {
		return text
	}
	return strings.ReplaceAll(atWords(text, width-indentation-1), "\n", "\n"+strings.Repeat(" ", indentation))
}

// table is the ledger beside what the vendors hold; below, where the width has no room beside.
func table(r report, width int) string {
	if len(r.Resources) == 0 {
		return "The ledger is empty: nothing was begun.\n"
	}
	rows := [][3]string{{"RESOURCE", "LEDGER", "VENDOR HOLDS"}}
	left := map[int]bool{}
	for i, e := range r.Resources {
		rows = append(rows, [3]string{string(e.Kind), ledgerWords(e), heldWords(e)})
		left[i+1] = r.Outcome == outcomeDirty && e.isLeft()
	}
	var widths [2]int
	for _, row := range rows {
		widths[0], widths[1] = max(widths[0], len(row[0])), max(widths[1], len(row[1]))
	}
	var b strings.Builder
	for i, row := range rows {
		mark := " "
		if left[i] {
			mark = "*"
		}
		line := fmt.Sprintf("%s %-*s  %-*s", mark, widths[0], row[0], widths[1], row[1])
		switch {
		case width == 0 || width >= narrow:
			line += "  " + row[2]
		case i > 0 && row[2] != "-":
			line = strings.TrimRight(line, " ") + "\n      " + cut(row[2], width-7)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func ledgerWords(e resourceReport) string {
	text := string(e.Status)
	if text == "" {
		text = "not there"
	}
	if !e.RecheckAt.IsZero() {
		text += ", recheck due"
	}
	return text
}

func heldWords(e resourceReport) string {
	if len(e.Held) == 0 {
		if e.Inside != "" && e.Status == fleet.Created {
			return e.Name + ", in " + string(e.Inside)
		}
		return "-"
	}
	words := make([]string, 0, len(e.Held))
	for _, h := range e.Held {
		words = append(words, heldWord(h))
	}
	return strings.Join(words, "; ")
}

func heldWord(h sim.Held) string {
	text := h.ID
	if h.Kind == string(fleet.VercelDomain) || h.Kind == string(fleet.DNSRecord) || h.Kind == string(fleet.SendGridDomain) {
		text = h.Name
	}
	if h.Status != "" {
		text += " (" + h.Status + ")"
	}
	return text
}
