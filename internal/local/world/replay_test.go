package world_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestDeadShortOperationHoldsNobodyUp: a resend whose invocation died is ended by the next one, once nothing that it sent can land.
func TestDeadShortOperationHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			return p == world.Point{Function: "resend", Invocation: 1, N: 1, Commit: true, After: true}
		}
	}, func(r *rig) {
		id := r.provision()
		if code, _ := r.do("POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, operator); code != http.StatusInternalServerError {
			t.Errorf("it did not die: %d", code)
		}
		dead := r.instance(id).Operation
		if dead == "" {
			t.Fatal("it died before it began")
		}
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, "try again when it has ended")
		time.Sleep(bounds.Lambda + bounds.Quiet + bounds.Margin + 2*bounds.Skew)
		if m := r.resend(id, "welcome").Message; m.Status != fleet.MessageSent {
			t.Errorf("the next one: %+v", m)
		}
		o, err := r.w.Store.Operation(r.ctx, id, dead)
		if err != nil || o == nil || o.Outcome != fleet.FailedClean {
			t.Errorf("the dead one: %+v, %v", o, err)
		}
		r.wantActive(id)
		r.wantMails(4)
	})
}

// TestCancelAgainStartsTheTakeDown: a cancellation that died before it started the execution is finished by its repeat, and not only
// by reconcile.
func TestCancelAgainStartsTheTakeDown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			return p == world.Point{Function: "cancel", Invocation: 1, N: 2, Commit: true}
		}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(time.Minute)
		if code, _ := r.do("POST", "/instances/"+id+"/cancel", "", operator); code != http.StatusInternalServerError {
			t.Errorf("it did not die: %d", code)
		}
		execution := r.w.Executions.ExecutionARN("teardown", r.operation(id).Execution())
		if _, err := r.w.Executions.DescribeExecution(execution); err == nil {
			t.Fatal("the execution has begun all the same")
		}
		r.cancel(id)
		if _, err := r.w.Executions.DescribeExecution(execution); err != nil {
			t.Errorf("after the repeat: %v", err)
		}
		r.settle()
		r.wantClean(id)
	})
}

// TestFreezeFindsItsOwnEffect: a freeze whose write was made and whose answer was lost is not made twice, and does not freeze again
// what another operator has thawed in between.
func TestFreezeFindsItsOwnEffect(t *testing.T) {
	t.Parallel()
	var thaw func()
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function != "freeze" {
				return inner
			}
			c := chaos.Wrap(inner, o.Clock, chaos.Options{Lost: 0})
			c.Script(chaos.Fault{Kind: chaos.Lost})
			return thawing{c, func() { thaw() }}
		}
	}, func(r *rig) {
		thaw = func() { r.thaw("twilio") }
		r.freeze("twilio")
		if n := r.audited(fleet.FleetID, "fleet.frozen"); n != 1 {
			t.Errorf("frozen %d times by the audit", n)
		}
		if frozen, err := r.w.Store.Freezes(r.ctx); err != nil || len(frozen) != 0 {
			t.Errorf("it froze what was thawed since: %+v, %v", frozen, err)
		}
		r.wantAuditWhole(fleet.FleetID)
	})
}

// thawing is a table whose writer learns of a lost answer only when somebody else has acted.
type thawing struct {
	table.Table
	meanwhile func()
}

func (t thawing) Write(ctx context.Context, writes []table.Write) error {
	err := t.Table.Write(ctx, writes)
	if errors.Is(err, table.ErrOutcomeUnknown) {
		t.meanwhile()
	}
	return err
}
