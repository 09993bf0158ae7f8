package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/sim"
)

// frame is all that one picture of a play shows.
type frame struct {
	title string
	now   time.Time // the vendors' time
	start time.Time
	speed float64
	runs  []runFrame
	note  string // what a person should know now
}

// runFrame is an execution in the picture.
type runFrame struct {
	name   string
	graph  asl.Graph
	status asl.Status
	stays  map[string]stay // by state
}

// stay is a state in the picture.
type stay struct {
	asl.Visit
	calls []sim.Call // that it has made so far
}

// theme colours states by their outcome.
type theme struct {
	done, busy, trouble, failed, faint, strong lipgloss.Style
	// ascii: the terminal shows no other letters.
	ascii bool
}

func newTheme(r *lipgloss.Renderer) theme {
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return theme{done: colour("2"), busy: colour("6").Bold(true), trouble: colour("3"), failed: colour("1").Bold(true),
		faint: r.NewStyle().Faint(true), strong: r.NewStyle().Bold(true)}
}

// widest is the width beyond which nothing gets easier to read.
const widest = 140

// draw draws a frame for a terminal of the given size; height 0 means any. Nothing wraps and nothing scrolls: what has no room
// in full is drawn in short.
func (t theme) draw(f frame, width, height int) string {
	width = min(width, widest) - 1 // a full last column makes some terminals wrap
	if width < 10 {
		return ""
	}
	room := height - 1 // the cursor stands in the last one
	header, note := t.header(f, width), t.note(f, width)
	body := t.whole(f, width)
	if height > 0 && 1+len(body)+len(note) > room {
		body = t.short(f, width)
	}
	if height > 0 {
		note = note[:max(0, min(len(note), room-1))]
		body = body[:max(0, min(len(body), room-1-len(note)))]
	}
	lines := append(append([]string{header}, body...), note...)
	return t.letters(strings.Join(lines, "\n") + "\n")
}

// letters spells a text as the terminal can show it.
func (t theme) letters(text string) string {
	if t.ascii {
		return spelled.Replace(text)
	}
	return text
}

// said is what is printed above the picture. Words stay whole, so that an address can be copied.
func (t theme) said(text string, width int) string {
	lines := strings.Split(atWords(text, max(10, width-1)), "\n")
	for i, line := range lines {
		lines[i] = t.faint.Render(line)
	}
	return t.letters(strings.Join(lines, "\n"))
}

// turned is what is printed above the picture where another part of a life begins.
func (t theme) turned(text string, width int) string {
	lines := strings.Split(atWords(text, max(10, width-1)), "\n")
	for i, line := range lines {
		lines[i] = t.strong.Render(line)
	}
	return t.letters("\n" + strings.Join(lines, "\n"))
}

func (t theme) note(f frame, width int) (lines []string) {
	if f.note == "" {
		return nil
	}
	lines = []string{""}
	for line := range strings.SplitSeq(ansi.Wrap(f.note, width, ""), "\n") {
		lines = append(lines, t.trouble.Render(line))
	}
	return lines
}

// whole draws the runs: the last one with all its states, earlier ones by what went wrong.
func (t theme) whole(f frame, width int) (lines []string) {
	for i, r := range f.runs {
		if i < len(f.runs)-1 && r.smooth() {
			if i == 0 {
				lines = append(lines, "")
			}
			lines = append(lines, t.done.Render(cut("✓ "+r.name, width)))
			continue
		}
		lines = append(lines, "")
		if i < len(f.runs)-1 {
			lines = append(lines, t.ended(r, width)...)
			continue
		}
		lines = append(lines, t.faint.Render(cut(r.name, width)))
		lines = append(lines, t.graph(f, r, width)...)
	}
	return lines
}

// short draws the last run by how many states are done and to come, and those where something happens.
func (t theme) short(f frame, width int) (lines []string) {
	if len(f.runs) == 0 {
		return nil
	}
	r := f.runs[len(f.runs)-1]
	over, open := 0, 0
	var rows []string
	for _, state := range everyTask(r) {
		v, entered := r.stays[state]
		switch {
		case !entered:
			open++
		case v.Outcome == asl.VisitExited && !given(v):
			over++
		default:
			rows = append(rows, t.row(f, r, state, width))
		}
	}
	counts := fmt.Sprintf("✓ %d done  · %d to come", over, open)
	return append([]string{t.faint.Render(cut(counts, width))}, rows...)
}

// everyTask names the states of a run that do something, in the order of their way, and those beside it that
// were entered.
func everyTask(r runFrame) []string {
	names := r.tasks(r.graph)
	for _, s := range r.graph.States {
		if _, entered := r.stays[s.Name]; entered && s.Type == asl.Task && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func (t theme) header(f frame, width int) string {
	lasts := f.now.Sub(f.start)
	clock := fmt.Sprintf("%s  ×%v", seconds(lasts), f.speed)
	if lasts >= day {
		clock = date(f.now) + "  " + clock
	}
	clock = cut(clock, width)
	title := cut(f.title, width-wide(clock)-2)
	return t.strong.Render(title) + strings.Repeat(" ", width-wide(title)-wide(clock)) + t.faint.Render(clock)
}

// ended shows an earlier run by what went wrong in it.
func (t theme) ended(r runFrame, width int) []string {
	lines := []string{t.faint.Render(cut(r.name, width))}
	r.graph.Walk(func(s asl.State) {
		if v, ok := r.stays[s.Name]; ok && s.Type == asl.Task && given(v) {
			lines = append(lines, t.failed.Render(cut("✗ "+s.Name+"  "+last(v.Errors), width)))
		}
	})
	if len(lines) == 1 {
		lines = append(lines, t.faint.Render(cut("■ "+strings.ToLower(string(r.status)), width)))
	}
	return lines
}

// smooth reports whether a run succeeded, and no state was given up.
func (r runFrame) smooth() bool {
	for _, s := range r.stays {
		if s.Type == asl.Task && given(s) {
			return false
		}
	}
	return r.status == asl.Succeeded
}

// given reports whether a state was given up.
func given(s stay) bool {
	return s.Outcome != "" && len(s.Errors) > 0 && int64(len(s.Errors)) >= s.Attempts
}

func last(errors []string) string {
	if len(errors) == 0 {
		return ""
	}
	return errors[len(errors)-1]
}

// nameRoom is the room that a state's name has in a row of a run.
func (r runFrame) nameRoom() int {
	room := 18
	for _, name := range everyTask(r) {
		room = max(room, len(name))
	}
	return room
}

// row is a state in one line.
func (t theme) row(f frame, r runFrame, state string, width int) string {
	room := r.nameRoom()
	mark, text, style := t.state(f, r, state, width-room-2)
	return style.Render(strings.TrimRight(cut(fmt.Sprintf("%s %-*s  %s", mark, room, state, text), width), " "))
}

// state is a mark, words and a style for how a state goes. The words keep to the room as well as they can.
func (t theme) state(f frame, r runFrame, name string, room int) (mark, text string, style lipgloss.Style) {
	v, entered := r.stays[name]
	switch {
	case !entered:
		return "·", "", t.faint
	case v.Outcome == asl.VisitAborted:
		return "■", "dropped", t.faint
	case given(v):
		return "✗", last(v.Errors), t.failed
	case v.Outcome == asl.VisitExited:
		return "✓", seconds(v.Left.Sub(v.Entered)) + tries(v.Attempts), t.done
	case !v.RetryAt.IsZero():
		wait := seconds(max(0, v.RetryAt.Sub(f.now)))
		text = fmt.Sprintf("%s, again in %s", last(v.Errors), wait)
		if wide(text)+2 > room {
			text = wait + " " + last(v.Errors)
		}
		return "↻", text, t.trouble
	}
	return "●", busy(seconds(f.now.Sub(v.Entered)), tries(v.Attempts), v.calls, room-2), t.busy
}

// busy says for how long a state lasts and what it waits for, in the longest words that have room; how often it was tried is
// the first to go.
func busy(lasts, tries string, calls []sim.Call, room int) string {
	if len(calls) == 0 {
		return lasts + tries
	}
	operation := " " + lastOperation(calls)
	for _, text := range []string{lasts + tries + " " + latest(calls), lasts + tries + operation, lasts + operation} {
		if wide(text) <= room {
			return text
		}
	}
	if rest := room - wide(lasts); rest >= 8 {
		return lasts + cut(operation, rest)
	}
	return lasts + tries
}

func tries(attempts int64) string {
	if attempts < 2 {
		return ""
	}
	return fmt.Sprintf(" try %d", attempts)
}

func wide(s string) int { return ansi.StringWidth(s) }

func cut(s string, width int) string { return ansi.Truncate(s, max(0, width), "…") }
