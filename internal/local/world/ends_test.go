package world_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// listing counts the queries for all running operations, or all instances of a state.
type listing struct {
	table.Table
	queries *atomic.Int64
}

func (l listing) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Index == store.ByDue && strings.HasPrefix(q.Partition, "operation#") || q.Index == store.ByList && strings.HasPrefix(q.Partition, "instance#") {
		l.queries.Add(1)
	}
	return l.Table.Query(ctx, q)
}

// TestEndConcernsOne: when an execution ends, reconcile looks at its operation and no other, and takes down what was stopped; by schedule
// it looks at all.
func TestEndConcernsOne(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "reconcile" {
				return listing{inner, &queries}
			}
			return inner
		}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(3 * time.Second)
		r.stop("provision", "op-"+id+"-provision-1")
		r.settle()
		r.wantClean(id)
		if n := queries.Load(); n != 0 {
			t.Errorf("%d queries of the whole fleet for the end of one execution", n)
		}
		r.invoke("reconcile")
		if queries.Load() == 0 {
			t.Error("the sweep looks at nothing")
		}
	})
}
