package main

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/steps/termination"
	"github.com/project-gimbal/fleet/internal/view"
)

// lifeHeadline is the one line that counts of an instance that was ACTIVE, and isn't.
func lifeHeadline(r report) string {
	switch {
	case r.Outcome == outcomeSuspended:
		return "is SUSPENDED"
	case r.Outcome == outcomeTerminated:
		return "has ended: TERMINATED, nothing is left at any vendor, and a certificate proves it"
	case r.Outcome == outcomeDirty:
		return "has not ended, and something is left"
	}
	return "is " + string(r.Instance.State) + ", and nothing proves its end"
}

// lifeFacts are a life's in short, by name.
func lifeFacts(r report) [][2]string {
	l := r.Life
	var facts [][2]string
	if l.Missed != "" {
		facts = append(facts, [2]string{"missed", l.Missed})
	}
	if d := r.Instance.Decommission; d.Open() {
		facts = append(facts, [2]string{"end", fmt.Sprintf("in stage %s: notice until %s, grace until %s", d.Stage, date(d.NoticeEnds), date(d.GraceEnds))})
	}
	if e := l.Export; e != nil {
		facts = append(facts, [2]string{"export", fmt.Sprintf("%s, %s, %d bytes, consistent as %q; manifest %s",
			counted(e.Files, "file"), counted(int(e.Rows), "row"), e.Bytes, e.Consistency, e.Manifest)})
		for _, what := range e.Lacks {
			facts = append(facts, [2]string{"lacks", what})
		}
	}
	if c := l.Certificate; c != nil {
		facts = append(facts, [2]string{"proof", fmt.Sprintf("issued %s, asked for by %s; sha256 %s", date(c.IssuedAt), c.AskedBy, r.Instance.Decommission.Certificate.SHA256)},
			[2]string{"audit", fmt.Sprintf("%d entries archived; head %s", c.Audit.Head.Seq, c.Audit.Head.Hash)})
		for _, k := range c.Kept {
			facts = append(facts, [2]string{"kept", fmt.Sprintf("%s, until %s", k.What, date(k.Until))})
		}
	}
	return facts
}

// tellLife tells what happened, when, what was planned, and what proves it, in lines of at most width columns; 0 means any.
func tellLife(w io.Writer, r report, width int) {
	l := r.Life
	rows := [][]string{{"WHEN", "TOOK", "WHAT"}, {date(r.Operation.StartedAt), fmt.Sprintf("%.1fs", *r.Wall), "it is provisioned"}}
	for _, t := range l.Turns {
		rows = append(rows, []string{date(t.At), fmt.Sprintf("%.1fs", t.Seconds), t.What})
	}
	say(w, "\n%s", aligned(rows, width))
	if l.Plan != nil {
		rows = [][]string{{"PLANNED FOR", "WHAT"}}
		for _, s := range l.Plan.Steps {
			rows = append(rows, []string{date(s.At), s.What + irreversible(s.Final)})
		}
		say(w, "\n%s", aligned(rows, width))
	}
	if l.Export != nil {
		say(w, "\n%s", aligned(exportRows(l.Export.Content), width))
	}
	if l.Certificate != nil {
		say(w, "\n%s", aligned(certificateRows(l.Plan, *l.Certificate), width))
	}
}

// exportRows are the files of an export; tables that are empty are counted.
func exportRows(files []view.ExportFile) [][]string {
	rows := [][]string{{"EXPORTED", "ROWS", "BYTES", "SHA256"}}
	empty := 0
	for _, f := range files {
		if path.Dir(f.Name) == "csv" && f.Rows == 0 {
			empty++
			continue
		}
		count := ""
		if f.Rows > 0 {
			count = strconv.FormatInt(f.Rows, 10)
		}
		rows = append(rows, []string{f.Name, count, strconv.FormatInt(f.Bytes, 10), f.SHA256})
	}
	if empty > 0 {
		rows = append(rows, []string{counted(empty, "more table") + " without rows", "", "", ""})
	}
	return rows
}

// certificateRows are what was planned of each resource beside what became of it.
func certificateRows(plan *fleet.Plan, c termination.Certificate) [][]string {
	planned := map[[2]string]fleet.PlannedRemoval{}
	if plan != nil {
		for _, e := range plan.Resources {
			planned[[2]string{string(e.Kind), e.Name}] = e
		}
	}
	rows := [][]string{{"RESOURCE", "PLAN", "WHAT BECAME OF IT", "ANSWER", "ID"}}
	for _, d := range c.Resources {
		wanted := "-"
		switch e, ok := planned[[2]string{string(d.Kind), d.Name}]; {
		case ok && e.With != "":
			wanted = "goes along"
		case ok && e.Final:
			wanted = "delete for good"
		case ok:
			wanted = "delete"
		}
		answer, id := "-", d.ID
		if d.Answer != 0 {
			answer = d.Vendor + " " + strconv.Itoa(d.Answer)
		}
		if id == "" || d.Kind == fleet.DNSRecord {
			id = d.Name
		}
		rows = append(rows, []string{string(d.Kind), wanted, d.How, answer, id})
	}
	return rows
}

// aligned are rows in columns, in lines that fit the width, 0 meaning any: the last column goes on below at its words, and what has none
// is cut.
func aligned(rows [][]string, width int) string {
	last := len(rows[0]) - 1
	widths := make([]int, last)
	for _, row := range rows {
		for i := range last {
			widths[i] = max(widths[i], wide(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i := range last {
			line += "  " + row[i] + strings.Repeat(" ", widths[i]-wide(row[i]))
		}
		line = strings.TrimRight(line+"  "+wrap(row[last], width, wide(line)+2), " ")
		for part := range strings.SplitSeq(line, "\n") {
			if width > 0 {
				part = cut(part, width-1)
			}
			b.WriteString(part + "\n")
		}
	}
	return b.String()
}
