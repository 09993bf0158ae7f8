package view

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Span is a length of time for people, in the largest unit that tells enough: "45 s", "12 min", "5 h", "3 days".
func Span(d time.Duration) string {
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

// Relative is an instant as seen from now: "in 12 min", "5 h ago", and "just now", since the API tells its time in seconds.
// Empty without one.
func Relative(at, now time.Time) string {
	switch d := at.Sub(now); {
	case at.IsZero():
		return ""
	case d.Abs() < 2*time.Second:
		return "just now"
	case d > 0:
		return "in " + Span(d)
	default:
		return Span(d) + " ago"
	}
}

// Until is a deadline: "in 12 min", "overdue by 3 min". Empty without one.
func Until(at, now time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case at.Before(now):
		return "overdue by " + Span(now.Sub(at))
	}
	return "in " + Span(at.Sub(now))
}

// Bytes is a size for people, in the largest unit that tells enough: "9 B", "1.2 kB", "31 GB".
func Bytes(n int64) string {
	size, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	for len(units) > 1 && size >= 999.5 {
		size, units = size/1000, units[1:]
	}
	if units[0] == "B" || size >= 9.95 {
		return fmt.Sprintf("%.0f %s", size, units[0])
	}
	return fmt.Sprintf("%.1f %s", size, units[0])
}

// Stamp is an instant for people who compare it with a log. Empty without one.
func Stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05Z")
}

// Who is an audit's actor for people: of an AWS principal, what follows the account.
func Who(actor string) string {
	name := strings.TrimPrefix(actor, "operator:")
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[5]
	}
	return name
}
