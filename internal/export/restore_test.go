package export_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/export"
)

func TestRestore(t *testing.T) {
	_, super := hurting(t)
	original := fingerprint(t, super)
	for name, lines := range original {
		if len(lines) == 0 {
			t.Errorf("nothing hurts among the %s", name)
		}
	}
	dir, m := whole(t, super)
	if m.Consistency != export.Snapshot {
		t.Errorf("one run's export is consistent by %s", m.Consistency)
	}
	restored := restore(t, elsewhere(t), dir)
	wantSame(t, original, fingerprint(t, restored), "product", "peek", "auth.sessions ")
	if n := one[int](t, restored, `select count(*) from auth.sessions`); n != 0 {
		t.Errorf("%d open sessions were exported", n)
	}
	wantLeftOut(t, m)
}

// wantLeftOut wants all that can't be exported to be named, with what depends on it, and nothing else.
func wantLeftOut(t *testing.T, m export.Manifest) {
	t.Helper()
	var got []string
	for _, l := range m.LeftOut[3:] { // after what is left out everywhere
		if l.Reason == "" {
			t.Errorf("%s is left out without a reason", l.What)
		}
		got = append(got, l.What)
	}
	want := []string{"schema vault", "setting app.secret of the database", "event trigger watch", "function public.product(double precision)", "operator public.===(text,text)",
		"publication everything", "large object 4711", "view public.on_products", "view public.peek", "view public.products", "rows of table auth.sessions",
		"column b of the CSV of public.empty", "column loud of the CSV of public.hurtful", "rows of table public.nothing"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left out:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
