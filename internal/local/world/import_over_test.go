package world_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
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

// TestHeldImportIsNotRetried: a legal hold keeps an import that ended dirty, or whose execution ended, from going on.
func TestHeldImportIsNotRetried(t *testing.T) {
	t.Parallel()
	hold := func(m *importing) {
		act[fleet.Hold](m.rig, http.StatusOK, "/instances/"+m.into+"/hold", `{"why":"a lawsuit"}`)
	}
	over := func(m *importing, o view.Operation) {
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/retry", "", "legal hold")
		if now := m.run(m.into, o.Operation); now.N != 1 || now.Outcome != fleet.FailedDirty {
			m.t.Errorf("%+v", now)
		}
		act[struct{}](m.rig, http.StatusOK, "/instances/"+m.into+"/lift", `{"why":"it is over"}`)
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
		m.settle()
		m.wantImported(o, m.stored(m.id))
	}
	t.Run("dirty", func(t *testing.T) {
		t.Parallel()
		inImporting(t, faults(t, "supabase.AppendUpload=403@2"), func(m *importing) {
			o := m.take()
			m.settle()
			hold(m)
			over(m, o)
		})
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		inStoppable(t, func(m *importing, o view.Operation, goOn func()) {
			hold(m)
			m.stop("import", o.Execution)
			goOn()
			over(m, o)
		})
	})
}

// inStoppable begins an import, and runs a test while its invocation uploads the files: goOn lets that go on, and all settle.
func inStoppable(t *testing.T, test func(m *importing, o view.Operation, goOn func())) {
	t.Helper()
	var held chan struct{}
	var begun, once atomic.Bool
	inImporting(t, func(o *world.Options) {
		held = make(chan struct{}) // within the bubble
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper { return heldUpload{next, held, &begun, &once} }
	}, func(m *importing) {
		begun.Store(true)
		o := m.take()
		for m.run(m.into, o.Operation).Import.Database != fleet.ImportDone || !once.Load() {
			time.Sleep(time.Second)
		}
		test(m, o, func() {
			close(held)
			m.settle()
		})
	})
}

// heldUpload holds the first call that uploads a part.
type heldUpload struct {
	next        http.RoundTripper
	held        chan struct{}
	begun, once *atomic.Bool
}

func (h heldUpload) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.begun.Load() && strings.Contains(r.URL.Path, "/upload/resumable") && h.once.CompareAndSwap(false, true) {
		select {
		case <-h.held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return h.next.RoundTrip(r)
}

// TestImportIsStopped: an import that runs is cancelled at once, and its invocation does no more; the instance can be suspended then. Giving it
// up for good waits until nothing of it can land.
func TestImportIsStopped(t *testing.T) {
	t.Parallel()
	inStoppable(t, func(m *importing, o view.Operation, goOn func()) {
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/suspend", forPayment, "or cancel it")
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/cancel", "")
		m.wantUnfinished(o, fleet.Active)
		if now := m.run(m.into, o.Operation); now.Outcome != fleet.FailedDirty || !strings.Contains(now.Progress.Reason, "an operator cancelled it") {
			t.Errorf("%+v", now)
		}
		files := m.run(m.into, o.Operation).Import.Media.Files
		until := m.run(m.into, o.Operation).Import.Writer.Until
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/cancel", "", until.UTC().Format(time.RFC3339))
		goOn()
		m.invoke("reconcile")
		m.settle()
		m.wantUnfinished(o, fleet.Active)
		if now := m.run(m.into, o.Operation); now.Import.Media.Files != files {
			t.Errorf("%d files, and then %d", files, now.Import.Media.Files)
		}
		time.Sleep(time.Until(until) + bounds.Margin)
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/cancel", "")
		m.wantOpen(m.into)
		m.suspend(m.into)
		m.settle()
		if i := m.instance(m.into); i.State != fleet.Suspended || i.Operation != "" || i.Unfinished != "" {
			t.Errorf("%+v", i)
		}
	})
}

// TestImportIsNotStoppedInItsCommit: while the rows may be committed it isn't cancelled; before anything of it is there, it leaves nothing.
func TestImportIsNotStoppedInItsCommit(t *testing.T) {
	t.Parallel()
	inStoppable(t, func(m *importing, o view.Operation, goOn func()) {
		m.note(o, fleet.ImportBegun)
		until := m.run(m.into, o.Operation).Import.Writer.Until
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/cancel", "", until.UTC().Format(time.RFC3339))
		m.note(o, "")
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/cancel", "")
		if now := m.run(m.into, o.Operation); now.Outcome != fleet.FailedClean || m.instance(m.into).Unfinished != "" {
			t.Errorf("%+v", now)
		}
		m.wantOpen(m.into)
		goOn()
	})
}

// note writes how far an import's database is.
func (m *importing) note(o view.Operation, status fleet.ImportStatus) {
	m.t.Helper()
	if err := m.w.Store.Update(m.ctx, m.into, func(tx *store.Tx) error {
		now, err := tx.Operation(o.Operation)
		if err != nil {
			return err
		}
		now.Import.Database = status
		return tx.PutOperation(now)
	}); err != nil {
		m.t.Fatal(err)
	}
}

// TestNoInvitationAfterAnImport: whom the provisioning invited an import replaced; they are not invited into somebody else's data.
func TestNoInvitationAfterAnImport(t *testing.T) {
	t.Parallel()
	inImporting(t, nil, func(m *importing) {
		m.take()
		m.settle()
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/resend", `{"message":"`+fleet.Invitation+`"}`, "passwords they had")
		m.resend(m.into, fleet.Welcome)
		m.wantOneAdministrator()
	})
}
