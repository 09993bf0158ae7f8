package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// span is a length of time for people, in the largest unit that tells enough: "45 s", "12 min", "5 h", "3 days".
func span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(math.Round(d.Hours()/24)))
}

// relative is an instant as seen from now: "in 12 min", "5 h ago", and "just now", since the API tells its time in seconds.
func relative(at, now time.Time) string {
	switch d := at.Sub(now); {
	case d.Abs() < 2*time.Second:
		return "just now"
	case d > 0:
		return "in " + span(d)
	default:
		return span(d) + " ago"
	}
}

// until is a deadline: "in 12 min", "overdue by 3 min". Empty without one.
func until(at, now time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case at.Before(now):
		return "overdue by " + span(now.Sub(at))
	}
	return "in " + span(at.Sub(now))
}

// stamp is an instant for people who compare it with a log.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") }

// counted is a number of things: "1 incident", "2 incidents".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// either is a text, or another where there is none.
func either(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// joined is all texts that are there, with a separator between.
func joined(separator string, texts ...string) string {
	var there []string
	for _, text := range texts {
		if text != "" {
			there = append(there, text)
		}
	}
	return strings.Join(there, separator)
}

// who is an audit's actor for people: of an AWS principal, what follows the account.
func who(actor string) string {
	name := strings.TrimPrefix(actor, "operator:")
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[5]
	}
	return name
}
