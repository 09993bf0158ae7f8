package world_test

import (
	"slices"
	"testing"
)

func TestCleanRunBecomesActive(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		r.wantMails(3)
		path := r.path("provision", "op-"+id+"-provision-1")
		if i := slices.Index(path, "ActivateInstance"); i < 0 || !slices.Equal(path[i:], []string{"ActivateInstance", "NotifyCustomer", "EndOperation", "Provisioned"}) {
			t.Errorf("path: %v", path)
		}
		x, err := r.w.Executions.DescribeExecution(r.w.Executions.ExecutionARN("provision", "op-"+id+"-provision-1"))
		if err != nil || x.Transitions > 35 {
			t.Errorf("%d transitions, %v", x.Transitions, err)
		}
		t.Logf("%d transitions in %s, %d calls", x.Transitions, x.Stopped.Sub(x.Started), len(r.calls))
	})
}
