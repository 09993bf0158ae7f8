package world_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestSuspendedOverAnImport: an instance may be suspended, and resumed, over an import that ended dirty. It is unfinished all the same, also where the
// suspension itself ends dirty, and its incident stays: nothing else begins, and a retry completes it once the instance is ACTIVE.
func TestSuspendedOverAnImport(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]string{"at once": "", "undone": ",supabase.UpdateLegacyKeys=403@1",
		"half undone": ",supabase.UpdateLegacyKeys=403@1,twilio.UpdateAccount=403@2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inImporting(t, faults(t, "supabase.AppendUpload=403@2"+fault), func(m *importing) {
				o := m.take()
				m.settle()
				m.suspend(m.into)
				m.settle()
				if name == "half undone" {
					if i := m.instance(m.into); i.Unfinished == "" || i.Unfinished == o.Operation {
						t.Fatalf("%+v", i)
					}
					m.wantOpen(m.into, "FailedDirty", "FailedDirty")
					act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
					m.settle()
				}
				if name != "at once" {
					m.wantUnfinished(o, fleet.Active)
					m.suspend(m.into)
					m.settle()
				}
				m.wantUnfinished(o, fleet.Suspended)
				m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/retry", "", "SUSPENDED")
				m.resume(m.into)
				m.settle()
				m.wantUnfinished(o, fleet.Active)
				m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/import", m.wish(), "retry it first")
				act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
				m.settle()
				m.wantImported(o, m.stored(m.id))
				m.wantOpen(m.into)
			})
		})
	}
}

// wantUnfinished judges that an import is still to be completed in an instance of that state, and that people are told.
func (m *importing) wantUnfinished(o view.Operation, state fleet.State) {
	m.t.Helper()
	i := m.instance(m.into)
	if i.Unfinished != o.Operation || i.Operation != "" || i.State != state || !strings.Contains(i.Progress.Reason, "only the first") {
		m.t.Errorf("%s, unfinished %q: %+v", i.State, i.Unfinished, i.Progress)
	}
	all, err := m.w.Store.Incidents(m.ctx, m.into)
	if !slices.ContainsFunc(all, func(x fleet.Incident) bool { return x.ID == o.Execution && x.ClosedAt.IsZero() }) {
		m.t.Errorf("%+v, %v", all, err)
	}
}
