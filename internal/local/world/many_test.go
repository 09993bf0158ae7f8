package world_test

import (
	"context"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// watching looks after every write of the fleet's table how many operations run.
type watching struct {
	table.Table
	after func()
}

func (c watching) Write(ctx context.Context, writes []table.Write) error {
	err := c.Table.Write(ctx, writes)
	c.after()
	return err
}

// atMost is the setting that caps the number of provisionings.
const atMost = 5

// TestManyAtOnce: signups approved at once, with a cap of five and budgets that bear more, are admitted in order, five at once and never
// six; all end active, and no vendor refuses a call for its rate limit.
func TestManyAtOnce(t *testing.T) { manyAtOnce(t, 10) }

func manyAtOnce(t *testing.T, n int) {
	t.Helper()
	var r *rig
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.Slots = atMost
		o.Limits = budget.Limits{"supabase": 300} // the usual limit bears two
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function != "admit" { // only there does a run begin
				return inner
			}
			return watching{inner, func() {
				if running, err := r.w.Store.RunningOperations(r.ctx); err != nil || len(running) > atMost {
					t.Errorf("%d run, %v", len(running), err)
				}
			}}
		}
	}, func(made *rig) {
		r = made
		ids := r.queue(n)
		for i, id := range ids[n/2:] { // admission goes on meanwhile, so all are looked at after the same number of admissions
			running := 0
			for _, other := range ids {
				if s := r.status(other); s["status"] != "APPROVED" {
					running++
				}
			}
			if s := r.status(id); s["status"] == "APPROVED" && s["place"] != float64(n/2+i+1-running) {
				t.Errorf("the one that was approved as number %d has place %v after %d admissions", n/2+i+1, s["place"], running)
			}
		}
		r.scheduled(time.Duration(n) * 4 * time.Minute)
		var operations []fleet.Operation
		for _, id := range ids {
			operations = append(operations, r.operation(id))
		}
		if at := most(operations); at != atMost {
			t.Errorf("%d were provisioned at once", at)
		}
		r.wantAllActive(ids)
		r.wantUnthrottled()
		if all := r.allIncidents(ids...); len(all) != 0 {
			t.Errorf("incidents: %+v", all)
		}
	})
}
