package view_test

import (
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/view"
)

func TestWords(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	in := now.Add
	for _, c := range []struct{ name, got, want string }{
		{"Span", view.Span(0), "0 s"},
		{"Span", view.Span(59 * time.Second), "59 s"},
		{"Span", view.Span(time.Minute), "1 min"},
		{"Span", view.Span(-3 * time.Minute), "3 min"},
		{"Span", view.Span(time.Hour - time.Second), "59 min"},
		{"Span", view.Span(time.Hour), "1 h"},
		{"Span", view.Span(48*time.Hour - time.Second), "47 h"},
		{"Span", view.Span(48 * time.Hour), "2 days"},
		{"Span", view.Span(30 * 24 * time.Hour), "30 days"},
		{"Relative", view.Relative(time.Time{}, now), ""},
		{"Relative", view.Relative(now, now), "just now"},
		{"Relative", view.Relative(in(time.Second), now), "just now"},
		{"Relative", view.Relative(in(-time.Second), now), "just now"},
		{"Relative", view.Relative(in(time.Hour), now), "in 1 h"},
		{"Relative", view.Relative(in(-time.Hour), now), "1 h ago"},
		{"Until", view.Until(time.Time{}, now), ""},
		{"Until", view.Until(now, now), "in 0 s"},
		{"Until", view.Until(in(12*time.Minute), now), "in 12 min"},
		{"Until", view.Until(in(-3*time.Minute), now), "overdue by 3 min"},
		{"Bytes", view.Bytes(0), "0 B"},
		{"Bytes", view.Bytes(999), "999 B"},
		{"Bytes", view.Bytes(1000), "1.0 kB"},
		{"Bytes", view.Bytes(9_949), "9.9 kB"},
		{"Bytes", view.Bytes(9_950), "10 kB"},
		{"Bytes", view.Bytes(999_499), "999 kB"},
		{"Bytes", view.Bytes(999_500), "1.0 MB"},
		{"Bytes", view.Bytes(31_000_000_000), "31 GB"},
		{"Bytes", view.Bytes(4_000_000_000_000_000), "4000 TB"},
		{"Stamp", view.Stamp(time.Time{}), ""},
		{"Stamp", view.Stamp(now.In(time.FixedZone("", 3600))), "2027-03-01 12:00:00Z"},
		{"Who", view.Who("fleet"), "fleet"},
		{"Who", view.Who("operator:token"), "token"},
		{"Who", view.Who("operator:arn:aws:sts::111122223333:assumed-role/Operators/jane"), "assumed-role/Operators/jane"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
