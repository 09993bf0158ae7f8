package world_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

const period = 30 * 24 * time.Hour

// decommission gives an instance's customer notice.
func (g *graveyard) decommission(id string) view.Operation {
	g.t.Helper()
	o := act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/decommission", `{"reason":"leaves"}`)
	g.settle()
	g.ticks(1)
	return o
}

// provisioned is an instance of its own slug, ACTIVE.
func (g *graveyard) provisioned(webhook, slug string) string {
	g.t.Helper()
	id := g.signup(webhook, slug)
	g.approve(id)
	g.settle()
	time.Sleep(time.Minute)
	return id
}

// wantNotice judges that an instance goes on as before, and that its customer was told once when it ends.
func (g *graveyard) wantNotice(id string) {
	g.t.Helper()
	i := g.instance(id)
	d := i.Decommission
	if d == nil || d.Stage != fleet.InNotice || !d.Given() || i.Operation != "" || !d.NoticeEnds.Equal(d.NoticeAt.Add(period)) || !d.GraceEnds.Equal(d.NoticeEnds.Add(period)) {
		g.t.Fatalf("%+v, operation %q, %+v", d, i.Operation, i.Progress)
	}
	if o := g.run(id, fleet.NumberedID(fleet.GiveNotice, id, d.N)); o.Outcome != fleet.Succeeded {
		g.t.Errorf("operation ended as %q", o.Outcome)
	}
	mails := g.mailed(id, fleet.EndMessage(fleet.NoticeGiven, d.N))
	if len(mails) != 1 || !strings.Contains(mails[0].Text, d.NoticeEnds.In(newYork(g.rig)).Format("2 January 2006, 15:04 MST")) || !strings.Contains(mails[0].Text, "hello@gimbal.app") {
		g.t.Errorf("mails: %+v", mails)
	}
	want := map[string]time.Time{fleet.ScheduleName(fleet.Close, id): d.NoticeEnds, fleet.ScheduleName(fleet.Terminate, id): d.GraceEnds}
	for name, at := range want {
		if got := g.w.Calendar()[name]; !got.Equal(at) {
			g.t.Errorf("schedule %s at %s, want %s", name, got, at)
		}
	}
	g.wantExport(*d.FirstExport, fleet.WithNotice)
}

func newYork(r *rig) *time.Location {
	r.t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		r.t.Fatal(err)
	}
	return zone
}

// wantExport judges that an end's export is verified, there, and kept for long enough.
func (g *graveyard) wantExport(v fleet.VerifiedExport, purpose fleet.ExportPurpose) {
	g.t.Helper()
	instanceID := strings.Split(v.Folder, "/")[1]
	e, err := g.w.Store.Export(g.ctx, instanceID, v.ID)
	if err != nil || e == nil || e.Status != fleet.ExportVerified || e.Purpose != purpose || e.Manifest != v.Manifest || !strings.HasPrefix(v.Folder, fleet.EndFolder) {
		g.t.Fatalf("%+v, %v", e, err)
	}
	if !e.ExpiresAt.Equal(e.VerifiedAt.Add(fleet.KeepEndExports)) {
		g.t.Errorf("it expires %s after it was made", e.ExpiresAt.Sub(e.VerifiedAt))
	}
	if all, err := g.exports.List(g.ctx, v.Folder); err != nil || len(all) != e.Files {
		g.t.Errorf("%d files of %d, %v", len(all), e.Files, err)
	}
}

// wantGrace judges that an instance is off, and its final export there.
func (g *graveyard) wantGrace(id string) {
	g.t.Helper()
	g.wantSwitched(id, fleet.Suspended)
	i := g.instance(id)
	d := i.Decommission
	if d.Stage != fleet.InGrace || d.FinalExport == nil || i.Suspension.Reason != fleet.ForDecommission || d.Before != fleet.Active {
		g.t.Fatalf("%+v, %+v", d, i.Suspension)
	}
	if closed := g.operations(id, fleet.Close); len(closed) == 0 || g.run(id, closed[len(closed)-1]).Outcome != fleet.Succeeded {
		g.t.Errorf("closed by %v", closed)
	}
	if mails := g.mailed(id, fleet.EndMessage(fleet.GraceBegun, d.N)); len(mails) != 1 {
		g.t.Errorf("mails: %+v", mails)
	}
	g.wantExport(*d.FinalExport, fleet.Final)
}

// TestWholeLife: an instance that is decommissioned is told, goes on for its notice, is switched off and exported, is kept for its grace,
// and ends proved by the export that the workflow made. Its neighbour is untouched all along.
func TestWholeLife(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		neighbour := g.provisioned("msg_2", "neighbour")
		before := g.vendorStates()
		id := g.provisioned("msg_1", "acme-dental")
		o := g.decommission(id)
		g.wantNotice(id)
		if again, answer := g.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator); again != http.StatusConflict {
			t.Errorf("%d %v", again, answer)
		}
		want := []string{"ExportDatabase", "ExportMedia", "ExportConfiguration", "SealExport", "VerifyExport", "GiveNotice", "ScheduleEnds", "EndOperation", "Ended", "NoticeGiven"}
		if got := g.path("decommission", o.Execution); !slices.Equal(got, want) {
			t.Errorf("path %v", got)
		}
		time.Sleep(period - time.Hour)
		g.terminate() // early
		g.wantSwitched(id, fleet.Active)
		time.Sleep(time.Hour)
		g.terminate()
		g.ticks(1)
		g.wantGrace(id)
		g.terminate() // once more
		if n := len(g.operations(id, fleet.Close)); n != 1 {
			t.Errorf("it was closed %d times", n)
		}
		time.Sleep(period)
		g.terminate()
		g.wantProved(id)
		g.wantUntouched(before, id)
		g.wantSwitched(neighbour, fleet.Active)
		if left := g.w.Calendar(); len(left) > 2 {
			t.Errorf("%v", left)
		}
	})
}
