package world_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestPlanAndHold: the plan of a live instance names its resources and changes nothing; a hold is set once, told, and lifted.
func TestPlanAndHold(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.live()
		before := r.vendorStates()
		plan := get[fleet.Plan](r, "/instances/"+id+"/decommission")
		ledger, err := r.w.Store.Resources(r.ctx, id)
		if err != nil || len(plan.Resources) != len(ledger) || len(plan.Obstacles) > 0 || plan.Stage != "" {
			t.Errorf("%d of %d entries, %v, %v", len(plan.Resources), len(ledger), plan.Obstacles, err)
		}
		hold := act[fleet.Hold](r, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
		again := act[fleet.Hold](r, http.StatusOK, "/instances/"+id+"/hold", `{"why":"another"}`)
		if hold != again || hold.Why != "a lawsuit" || hold.By == "" || hold.Since.IsZero() {
			t.Errorf("%+v, %+v", hold, again)
		}
		if plan := get[fleet.Plan](r, "/instances/"+id+"/decommission"); len(plan.Obstacles) != 1 {
			t.Errorf("%v", plan.Obstacles)
		}
		for range 2 {
			act[struct{}](r, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		}
		if r.instance(id).Hold != nil {
			t.Error("it is still held")
		}
		entries, _, err := r.w.Store.Audit(r.ctx, id)
		var why []string
		for _, e := range entries {
			if strings.HasPrefix(e.Action, "hold.") {
				why = append(why, e.Actor+" "+e.Action+": "+e.Note)
			}
		}
		if by := hold.By; err != nil || !slices.Equal(why, []string{by + " hold.set: a lawsuit", by + " hold.lifted: it is over"}) {
			t.Errorf("the audit tells %q, %v", why, err)
		}
		for path, want := range map[string]int{"/decommission/approve": http.StatusConflict, "/hold": http.StatusBadRequest} {
			if status, answer := r.do("POST", "/instances/"+id+path, "", operator); status != want {
				t.Errorf("%s: %d %v", path, status, answer)
			}
		}
		if status, _ := r.do("POST", "/instances/"+id+"/hold", `{"why":""}`, operator); status != http.StatusUnprocessableEntity {
			t.Errorf("%d", status)
		}
		r.wantStates(before)
		r.wantAuditWhole(id)
	})
}

// TestEndIsTold: lists tell the stage, when it ends, and a hold, and choose by the stage; an instance's document tells all of them.
func TestEndIsTold(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		g.signup("msg_2", "brink")
		act[fleet.Hold](g.rig, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
		g.freeze("twilio")
		rows, _ := g.list("?stage=grace")
		ends := g.instance(id).Decommission.GraceEnds
		if row := rows["acme-dental"]; len(rows) != 1 || row.Stage != fleet.InGrace || !row.Ends.Equal(ends) || !row.Held {
			t.Errorf("%+v", rows)
		}
		if rows, _ := g.list("?stage=notice"); len(rows) != 0 {
			t.Errorf("%+v", rows)
		}
		g.refused(http.StatusUnprocessableEntity, "GET", "/instances?stage=withdrawn", "", "one of notice, closing, grace, terminating, ended")
		v := get[view.Instance](g.rig, "/instances/"+id)
		if v.Hold == nil || v.Hold.Why != "a lawsuit" || v.Decommission == nil || v.Decommission.Reason != "leaves" || len(v.Frozen) != 1 {
			t.Errorf("%+v, %+v, %+v", v.Hold, v.Decommission, v.Frozen)
		}
		g.thaw("twilio")
		act[struct{}](g.rig, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		act[view.Withdrawal](g.rig, http.StatusAccepted, "/instances/"+id+"/decommission/cancel", "")
		if rows, _ := g.list(""); rows["acme-dental"].Stage != "" || rows["acme-dental"].Held {
			t.Errorf("it is withdrawn, and told as %+v", rows["acme-dental"])
		}
	})
}

// TestApproveTermination: it takes another operator than the one who decided.
func TestApproveTermination(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		path := "/instances/" + id + "/decommission/approve"
		for range 2 {
			if d := act[fleet.Decommission](g.rig, http.StatusOK, path, ""); d.Second == "" || d.Second == d.By {
				t.Errorf("%+v", d)
			}
		}
		second := g.instance(id).Decommission.Second
		other := g.grace("msg_2", "brink")
		g.change(other, func(i *fleet.Instance) { i.Decommission.By = second })
		if status, answer := g.do("POST", "/instances/"+other+"/decommission/approve", "", operator); status != http.StatusConflict {
			t.Errorf("%d %v", status, answer)
		}
	})
}
