package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/view"
)

// Run prints an instance's log.
func (l *logsCommand) Run(c *call) error {
	if age, err := time.ParseDuration(l.Since); err != nil || age <= 0 {
		if _, err := time.Parse(time.RFC3339, l.Since); err != nil {
			return wrong("--since: %q is neither a length of time such as 2h nor a time such as 2026-01-02T15:04:05Z", l.Since)
		}
	}
	if l.Limit < 1 || l.Limit > view.MaxLogLines {
		return wrong("--limit: 1 to %d lines", view.MaxLogLines)
	}
	r, err := c.instance(l.Instance)
	if err != nil {
		return err
	}
	var logs view.Logs
	query := url.Values{"since": {l.Since}, "limit": {strconv.Itoa(l.Limit)}}
	text, err := c.get("/instances/"+r.ID+"/logs", query, &logs)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	c.page().logs(logs, r.ID)
	if logs.More {
		last := logs.Lines[len(logs.Lines)-1].At.UTC().Format(time.RFC3339Nano)
		say(c.terminal.err, "there are later lines: fleetctl logs %s --since %s\n", l.Instance, last)
	}
	return nil
}

func (p page) logs(logs view.Logs, instance string) {
	if len(logs.Lines) == 0 {
		p.line("There is no line of that time. CloudWatch shows one some seconds after it was written.")
	}
	source := 0
	for _, l := range logs.Lines {
		source = max(source, len(l.Source))
	}
	for _, l := range logs.Lines {
		p.line("%s  %-*s  %s", p.faint.Render(l.At.UTC().Format("2006-01-02 15:04:05.000Z")), source, l.Source, p.entry(l.Text, instance))
	}
	if len(logs.Executions) > 0 {
		p.section("EXECUTIONS")
		for _, name := range logs.Executions {
			p.line("  %s", name)
		}
	}
}

// entry is a line of the log: its level and message, and then those of its fields that say something, with the instance's own id
// cut short; as it is where it is no JSON.
func (p page) entry(text, instance string) string {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&fields) != nil || fields == nil || d.More() {
		return strings.TrimRight(clean(text), "\n")
	}
	fields, _ = cleaned(fields).(map[string]any)
	take := func(name string) string {
		value := fields[name]
		delete(fields, name)
		if value == nil {
			return ""
		}
		return fmt.Sprint(value)
	}
	words := []string{p.level(take("level")), joined(" ", take("msg"), take("type"))}
	take("time")
	take("function") // the line's source
	if fields["instance"] == instance {
		take("instance")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := field(name, fields[name]); value != `""` {
			words = append(words, p.faint.Render(name+"=")+strings.ReplaceAll(value, instance, short(instance)+"…"))
		}
	}
	return joined(" ", words...)
}

func (p page) level(name string) string {
	switch name {
	case "WARN":
		return p.trouble.Render(name)
	case "ERROR":
		return p.bad.Render(name)
	}
	return name
}

// field is a field's value. Durations are written as nanoseconds.
func field(name string, value any) string {
	switch v := value.(type) {
	case json.Number:
		if ns, err := v.Int64(); err == nil && name == "took" {
			return time.Duration(ns).Round(time.Millisecond).String()
		}
		return v.String()
	case string:
		if strings.ContainsAny(v, " \n\t\"=") || v == "" {
			return strconv.Quote(v)
		}
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
