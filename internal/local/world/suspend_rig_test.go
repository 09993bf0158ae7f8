package world_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/view"
)

const forPayment = `{"reason":"payment","note":"three bills open"}`

func (r *rig) suspend(id string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/suspend", forPayment)
}

func (r *rig) resume(id string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/resume", "")
}

// live provisions an instance, and forgets what was called and which faults were left.
func (r *rig) live() string {
	r.t.Helper()
	id := r.provision()
	r.wantActive(id)
	r.wantKept(id, r.instance(id).ActivatedAt)
	time.Sleep(time.Minute) // whatever lags shows
	return id
}

// run is one of an instance's operations.
func (r *rig) run(id, operation string) fleet.Operation {
	r.t.Helper()
	o, err := r.w.Store.Operation(r.ctx, id, operation)
	if err != nil || o == nil {
		r.t.Fatalf("operation %s: %v, %v", operation, o, err)
	}
	return *o
}

// wantSwitched judges that an instance is in a state with every switch set so, at the vendors as in the ledger, and that nothing runs.
func (r *rig) wantSwitched(id string, state fleet.State) {
	r.t.Helper()
	i := r.instance(id)
	if i.State != state || i.Operation != "" || i.Unfinished != "" {
		r.t.Errorf("instance is %s, operation %q, unfinished %q: %+v", i.State, i.Operation, i.Unfinished, i.Progress)
	}
	if (i.Suspension != nil) != (state == fleet.Suspended) || i.Progress.Deadline.IsZero() == false {
		r.t.Errorf("suspension %+v, progress %+v", i.Suspension, i.Progress)
	}
	want := fleet.Serving
	if state == fleet.Suspended {
		want = fleet.Stopped
	}
	entries, err := r.w.Store.Resources(r.ctx, id)
	if unset := fleet.Unset(entries, want); err != nil || len(unset) > 0 {
		r.t.Errorf("by the ledger not %s: %v, %v", want, unset, err)
	}
	for kind, is := range r.w.Vendors.Switches(i, r.project(id)) {
		if is != want {
			r.t.Errorf("at the vendor %s is %s, want %s", kind, is, want)
		}
	}
	var all []string
	for _, state := range []fleet.State{fleet.Active, fleet.Suspended} {
		instances, err := r.w.Store.Instances(r.ctx, state)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, i := range instances {
			all = append(all, i.ID)
		}
	}
	r.wantLedgerTrue(all...)
	r.wantAuditWhole(id)
}

// vendorStates are what every vendor has, without when it was changed.
func (r *rig) vendorStates() map[string][]string {
	r.t.Helper()
	states := map[string][]string{}
	for _, v := range r.w.Vendors.All() {
		saved, err := v.Save()
		if err != nil {
			r.t.Fatal(err)
		}
		all, err := sim.Elements(saved)
		if err != nil {
			r.t.Fatal(err)
		}
		states[v.Name()] = sim.Timeless(all)
	}
	return states
}

// wantStates judges that every vendor has what it had.
func (r *rig) wantStates(before map[string][]string) {
	r.t.Helper()
	for vendor, now := range r.vendorStates() {
		for _, e := range now {
			if !slices.Contains(before[vendor], e) {
				r.t.Errorf("%s has, and had not: %.300s", vendor, e)
			}
		}
		for _, e := range before[vendor] {
			if !slices.Contains(now, e) {
				r.t.Errorf("%s had, and has not: %.300s", vendor, e)
			}
		}
	}
}

// visit asks a host for a page as the world does.
func (r *rig) visit(host string) (status int, body string) {
	r.t.Helper()
	status, text, err := edge.New(provider.Config{Clock: clock.System(), Endpoints: r.w.Endpoints}).Page(r.ctx, host, "/")
	if err != nil {
		r.t.Fatalf("%s: %v", host, err)
	}
	return status, string(text)
}

// operations are the ids of an instance's operations of a kind.
func (r *rig) operations(id string, kind fleet.OperationKind) (ids []string) {
	r.t.Helper()
	all, err := r.w.Store.Operations(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range all {
		if o.Kind == kind {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// step makes one invocation of a step of a workflow.
func (r *rig) step(function string, in fleet.RunInput) {
	r.t.Helper()
	payload, err := json.Marshal(in)
	if err == nil {
		_, err = r.w.Invoke(r.ctx, function, payload)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", function, err)
	}
}
