package world_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// imports reports whether a function is one of an import's steps.
func imports(function string) bool {
	return function == "import-database" || function == "import-media" || function == "settle-import"
}

// TestImportDiesOnceAnywhere lets an invocation die once before, or after, each commit and each call: all is imported, once.
func TestImportDiesOnceAnywhere(t *testing.T) {
	t.Parallel()
	take := func(t *testing.T, dies func(world.Point) bool, judge func(m *importing, o view.Operation)) {
		inImporting(t, func(o *world.Options) { o.Hooks.Dies = dies }, func(m *importing) {
			o := m.take()
			m.settle()
			for range 3 {
				m.invoke("reconcile")
				m.settle()
			}
			judge(m, o)
		})
	}
	var mu sync.Mutex
	var points []world.Point
	take(t, func(p world.Point) bool {
		mu.Lock()
		defer mu.Unlock()
		if imports(p.Function) {
			points = append(points, p)
		}
		return false
	}, func(*importing, view.Operation) {})
	if len(points) < 30 {
		t.Fatalf("%d points are too few", len(points))
	}
	for i, point := range points {
		if !tried(i, 11) {
			continue
		}
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			take(t, func(p world.Point) bool { return p == point }, func(m *importing, o view.Operation) { m.wantImported(o, m.stored(m.id)) })
		})
	}
}

// TestImportTwiceAtOnce lets every invocation of an import's steps be made twice at once: one imports, the other waits.
func TestImportTwiceAtOnce(t *testing.T) {
	t.Parallel()
	inImporting(t, func(o *world.Options) {
		o.Hooks.Twice = func(function string, n int) bool { return imports(function) && n == 1 }
	}, func(m *importing) {
		o := m.take()
		m.settle()
		m.wantImported(o, m.stored(m.id))
	})
}

// TestImportGoesOn: what one invocation doesn't finish the next ones go on with, within a file.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	var invocations atomic.Int32
	inImporting(t, func(o *world.Options) {
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper { return slowUploads{next, &slow} }
		o.Hooks.Late = func(function string, n int) time.Duration {
			if function != "import-media" {
				return 0
			}
			if invocations.Add(1); n == 1 {
				return 13 * time.Minute
			}
			return 0
		}
	}, func(m *importing) {
		slow.Store(true)
		o := m.take()
		m.settle()
		if n, begun := invocations.Load(), m.called("BeginUpload"); n < 2 || begun != 1 {
			t.Errorf("%d invocations, which began to upload the large file %d times", n, begun)
		}
		m.wantImported(o, m.stored(m.id))
	})
}

// slowUploads lets each call that uploads a part take nearly as long as a call may.
type slowUploads struct {
	next http.RoundTripper
	on   *atomic.Bool
}

func (s slowUploads) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.on.Load() && strings.Contains(r.URL.Path, "/upload/resumable") {
		time.Sleep(18 * time.Second)
	}
	return s.next.RoundTrip(r)
}

// TestImportFailsHalfWay: media that can't be imported end it dirty, with the database whole; nothing else begins that it would disturb. A
// retry goes on; or an operator gives up, and the instance can be used, and ended, as any.
func TestImportFailsHalfWay(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(m *importing, o view.Operation){
		"retried": func(m *importing, o view.Operation) {
			act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
			m.settle()
			m.wantImported(o, m.stored(m.id))
			m.wantOpen(m.into)
		},
		"not known whether it was committed": func(m *importing, o view.Operation) {
			m.note(o, fleet.ImportBegun)
			time.Sleep(time.Until(m.run(m.into, o.Operation).Import.Writer.Until) + bounds.Margin)
			m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/cancel", "", "retry it, which finds out")
			act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
			m.settle()
			m.wantImported(o, m.stored(m.id))
		},
		"given up": func(m *importing, o view.Operation) {
			m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/cancel", "", "may still be imported")
			time.Sleep(time.Until(m.run(m.into, o.Operation).Import.Writer.Until) + bounds.Margin)
			act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/cancel", "")
			m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/cancel", "", "only what is not active")
			m.wantOpen(m.into)
			if n := m.rig.audited(m.into, "import.given-up"); n != 1 {
				m.t.Errorf("it was given up %d times", n)
			}
			m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/retry", "", "nothing to retry")
			m.suspend(m.into)
			m.settle()
			m.wantSwitched(m.into, fleet.Suspended)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inImporting(t, faults(t, "supabase.AppendUpload=403@2"), func(m *importing) {
				o := m.take()
				m.settle()
				now, i := m.run(m.into, o.Operation), m.instance(m.into)
				if now.Outcome != fleet.FailedDirty || now.Import.Database != fleet.ImportDone || i.Unfinished != o.Operation || i.State != fleet.Active {
					t.Errorf("%+v %+v %+v", now, now.Import, i)
				}
				if path := m.path("import", o.Execution); path[len(path)-1] != "Failed" {
					t.Errorf("path: %v", path)
				}
				m.wantOpen(m.into, "FailedDirty")
				m.wantOneAdministrator()
				m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/import", m.wish(), "retry it first")
				then(m, o)
			})
		})
	}
}

// TestImportOfWhatCantBe: an instance in use, and an export whose files are gone or spoilt, leave the instance as it was, and an incident
// says why. Another import may be begun.
func TestImportOfWhatCantBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(m *importing)
		says  string
	}{
		"in use": {func(m *importing) {
			if err := m.database(m.into).WriteAdmin(m.ctx, "00000000-0000-4000-8000-0000000000bb", "Bob"); err != nil {
				m.t.Fatal(err)
			}
		}, "not fresh"},
		"another file": {func(m *importing) {
			if err := m.files.Put(m.ctx, m.record(m.export).Folder+"database.sql", []byte("-- {}")); err != nil {
				m.t.Fatal(err)
			}
		}, "is not the file that was exported"},
		"another manifest": {func(m *importing) {
			if err := m.files.Put(m.ctx, m.record(m.export).Folder+"manifest.json", []byte("{}")); err != nil {
				m.t.Fatal(err)
			}
		}, "not the one that was sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inImporting(t, nil, func(m *importing) {
				c.spoil(m)
				before, ledger := m.stored(m.into), m.databases.Admins(m.key(m.into))
				o := m.take()
				m.settle()
				now, i := m.run(m.into, o.Operation), m.instance(m.into)
				if now.Outcome != fleet.FailedClean || !now.Import.Untouched() || i.Unfinished != "" || i.Operation != "" || i.State != fleet.Active {
					t.Errorf("%+v %+v %+v", now, now.Import, i)
				}
				m.wantOpen(m.into, "ImportFailed")
				if all, err := m.w.Store.Incidents(m.ctx, m.into); err != nil || !strings.Contains(all[0].Reason, c.says) {
					t.Errorf("%+v, %v", all, err)
				}
				if diff := cmp.Diff(before, m.stored(m.into)) + cmp.Diff(ledger, m.databases.Admins(m.key(m.into))); diff != "" {
					t.Error(diff)
				}
				m.suspend(m.into) // nothing is in the way of anything
				m.settle()
				m.wantSwitched(m.into, fleet.Suspended)
			})
		})
	}
}

// TestImportOfAnotherCustomers: an export of which no administrator has the address of the instance's signup is refused; on an operator's
// word it is imported, and both instances' audits tell why.
func TestImportOfAnotherCustomers(t *testing.T) {
	t.Parallel()
	inImporting(t, nil, func(m *importing) {
		m.databases.Mail = func(id string) string { return id + "@example.com" }
		o := m.take()
		m.settle()
		if now := m.run(m.into, o.Operation); now.Outcome != fleet.FailedClean || !strings.Contains(now.Import.Failure, "another customer's") {
			t.Errorf("%+v %+v", now, now.Import)
		}
		path, wish := "/instances/"+m.into+"/import", `{"from": %q, "export": %q, "other_customer": %q}`
		m.refused(422, "POST", path, fmt.Sprintf(wish, m.id, m.export, "a\nb"), "tell the others why")
		o = act[view.Operation](m.rig, http.StatusAccepted, path, fmt.Sprintf(wish, m.id, m.export, "they merged"))
		m.settle()
		if now := m.run(m.into, o.Operation); now.Outcome != fleet.Succeeded {
			t.Errorf("%+v %+v", now, now.Import)
		}
		for id, action := range map[string]string{m.id: "export.import-begun", m.into: "import.other-customer"} {
			entries, _, err := m.w.Store.Audit(m.ctx, id)
			if err != nil || !slices.ContainsFunc(entries, func(e fleet.AuditEntry) bool {
				return e.Action == action && e.Note == "they merged" && e.Actor == "operator:token"
			}) {
				t.Errorf("%s isn't told: %v", action, err)
			}
		}
	})
}

// TestImportWhereItMayNot: what isn't there, is not verified or no more kept, and what isn't in a state for it, is not imported.
func TestImportWhereItMayNot(t *testing.T) {
	t.Parallel()
	inImporting(t, nil, func(m *importing) {
		path := "/instances/" + m.into + "/import"
		other := strings.Replace(m.export, m.id, m.into, 1)
		for body, want := range map[string]int{
			`{}`: 404, `{"from":"x","export":"y"}`: 404, fmt.Sprintf(`{"from":%q,"export":%q}`, m.id, other): 404, fmt.Sprintf(`{"from":%q}`, m.id): 404,
			fmt.Sprintf(`{"from":%q,"export":%q}`, m.into, m.export): 422, `{"from":`: 400, `{"of":"x"}`: 400,
		} {
			m.refused(want, "POST", path, body, map[int]string{404: "no such export", 422: "another instance", 400: "JSON"}[want])
		}
		m.refused(404, "POST", "/instances/00000000-0000-4000-8000-000000000000/import", m.wish(), "no such instance")
		if status, _ := m.do("POST", path, m.wish(), nil); status != http.StatusUnauthorized {
			t.Errorf("by anybody: %d", status)
		}
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/exports", "")
		m.refused(409, "POST", path, m.wish(), "runs")
		m.settle()
		act[fleet.Hold](m.rig, http.StatusOK, "/instances/"+m.into+"/hold", `{"why":"a lawsuit"}`)
		m.refused(409, "POST", path, m.wish(), "legal hold")
		act[any](m.rig, http.StatusOK, "/instances/"+m.into+"/lift", `{"why":"it is over"}`)
		for status, says := range map[fleet.ExportStatus]string{fleet.ExportMaking: "making", fleet.ExportFailed: "failed"} {
			m.change(func(e *fleet.Export) { e.Status = status })
			m.refused(409, "POST", path, m.wish(), says)
		}
		m.change(func(e *fleet.Export) { e.Status, e.ExpiresAt = fleet.ExportVerified, time.Now() })
		m.refused(410, "POST", path, m.wish(), "deleted")
		m.change(func(e *fleet.Export) { e.ExpiresAt = time.Now().Add(47 * time.Hour) })
		m.refused(409, "POST", path, m.wish(), "two days")
		m.change(func(e *fleet.Export) { e.ExpiresAt = time.Now().Add(49 * time.Hour) })
		m.suspend(m.into)
		m.refused(409, "POST", path, m.wish(), "runs")
		m.settle()
		m.refused(409, "POST", path, m.wish(), "SUSPENDED")
		if n := len(m.operations(m.into, fleet.TakeIn)); n != 0 {
			t.Errorf("%d imports began", n)
		}
	})
}

// change changes the export's record.
func (m *importing) change(how func(*fleet.Export)) {
	m.t.Helper()
	if err := m.w.Store.Update(m.ctx, m.id, func(tx *store.Tx) error {
		e, err := tx.Export(m.export)
		if err != nil {
			return err
		}
		how(e)
		return tx.PutExport(e)
	}); err != nil {
		m.t.Fatal(err)
	}
}

// TestImportOfTheDead: the final export of an instance that is no more can be imported: the customer comes back.
func TestImportOfTheDead(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.provisioned("msg_1", "acme-dental")
		g.decommission(id)
		for range 2 {
			time.Sleep(period)
			g.terminate()
		}
		if i := g.instance(id); i.State != fleet.Terminated {
			t.Fatalf("%s: %+v", i.State, i.Progress)
		}
		final := g.instance(id).Decommission.FinalExport
		into := g.provisioned("msg_2", "acme-again")
		before := g.vendorStates()
		o := act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+into+"/import", fmt.Sprintf(`{"from":%q,"export":%q}`, id, final.ID))
		g.settle()
		if now := g.run(into, o.Operation); now.Outcome != fleet.Succeeded || now.Import.Folder != "ends/"+id+"/"+final.ID+"/" {
			t.Errorf("%+v %+v", now, now.Import)
		}
		g.wantStates(before)
		g.wantAuditWhole(id)
		g.wantOpen(into)
	})
}

// TestImportGoesOnAfterAFault: what fails for now is tried again from there. Where Storage has more of a file than was noted, since an
// answer was lost, the file is uploaded from its beginning.
func TestImportGoesOnAfterAFault(t *testing.T) {
	t.Parallel()
	for fault, begun := range map[string]int{"500-before": 1, "lost": 2} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			inImporting(t, faults(t, "supabase.AppendUpload="+fault+"@2"), func(m *importing) {
				o := m.take()
				m.settle()
				m.wantImported(o, m.stored(m.id))
				if n := m.called("BeginUpload"); n != begun {
					t.Errorf("the upload was begun %d times, want %d", n, begun)
				}
				if n := m.called("UploadObject"); n > 13 {
					t.Errorf("%d files were uploaded", n)
				}
			})
		})
	}
}

// TestImportOfSpoiltMedia: an archive that isn't what was exported is found out at its end, and ends the import dirty; once it is mended a
// retry reads it from its beginning.
func TestImportOfSpoiltMedia(t *testing.T) {
	t.Parallel()
	inImporting(t, nil, func(m *importing) {
		key := m.record(m.export).Folder + "media.tar"
		good := objectstest.Content(t, m.files, key, 0)
		if err := m.files.Put(m.ctx, key, bytes.Replace(good, []byte("one"), []byte("two"), 1)); err != nil {
			t.Fatal(err)
		}
		o := m.take()
		m.settle()
		if now := m.run(m.into, o.Operation); now.Outcome != fleet.FailedDirty || !strings.Contains(now.Import.Failure, "media.tar is not the file that was exported") {
			t.Errorf("%+v %+v", now, now.Import)
		}
		if err := m.files.Put(m.ctx, key, good); err != nil {
			t.Fatal(err)
		}
		act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/retry", "")
		m.settle()
		m.wantImported(o, m.stored(m.id))
	})
}
