package fleet_test

import (
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// TestAsk: a code a minute, ten within any day, and each ends the one before it.
func TestAsk(t *testing.T) {
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	d := fleet.Download{Export: "x"}
	at := start
	for n := range fleet.CodesADay {
		if before := d.Ask(at, "r"); !before.IsZero() || d.N != n+1 || d.Code != nil {
			t.Fatalf("the %dth: before %s, %+v", n+1, before, d)
		}
		if before := d.Ask(at.Add(fleet.CodePause-1), "r"); !before.Equal(at.Add(fleet.CodePause)) || d.N != n+1 {
			t.Fatalf("too soon: before %s, %+v", before, d)
		}
		d.Code = &fleet.DownloadCode{N: d.N}
		at = at.Add(fleet.CodePause)
	}
	day := start.Add(24 * time.Hour)
	if before := d.Ask(day.Add(-1), "r"); !before.Equal(day) {
		t.Errorf("too many: before %s", before)
	}
	if before := d.Ask(day, "r"); !before.IsZero() || d.N != fleet.CodesADay+1 || len(d.Asked) != fleet.CodesADay {
		t.Errorf("a day later: before %s, %+v", before, d)
	}
	var none *fleet.Download
	for n, want := range map[int]bool{fleet.CodesADay: false, fleet.CodesADay + 1: true, fleet.CodesADay + 2: false} {
		if d.Wants(n, day.Add(fleet.CodeValid-1)) != want || d.Wants(n, day.Add(fleet.CodeValid)) || none.Wants(n, day) {
			t.Errorf("code %d", n)
		}
	}
}

func TestGood(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		code *fleet.DownloadCode
		want bool
	}{
		"none":   {nil, false},
		"fresh":  {&fleet.DownloadCode{Until: now.Add(1)}, true},
		"tried":  {&fleet.DownloadCode{Until: now.Add(1), Tries: fleet.CodeTries - 1}, true},
		"ended":  {&fleet.DownloadCode{Until: now}, false},
		"used":   {&fleet.DownloadCode{Until: now.Add(1), Used: "x"}, false},
		"locked": {&fleet.DownloadCode{Until: now.Add(1), Tries: fleet.CodeTries}, false},
	} {
		if c.code.Good(now) != c.want {
			t.Errorf("%s: want %t", name, c.want)
		}
	}
}

func TestMessagesOfExports(t *testing.T) {
	const export = "export-" + id + "-7"
	if got := fleet.ReadyExport(fleet.Repetition(fleet.ExportReady(export), 9)); got != export {
		t.Errorf("it tells of %q", got)
	}
	if got, n := fleet.CodeOf(fleet.CodeMessage(export, 12)); got != export || n != 12 {
		t.Errorf("code %d of %q", n, got)
	}
	for _, other := range []string{fleet.Welcome, "export-read", "download-code-", "download-code-x-" + export, "download-code-1", fleet.ExportReady(export)} {
		if got, _ := fleet.CodeOf(other); got != "" {
			t.Errorf("%s brings a code of %q", other, got)
		}
	}
	if got := fleet.ReadyExport(fleet.CodeMessage(export, 1)); got != "" {
		t.Errorf("a code tells of %q", got)
	}
}
