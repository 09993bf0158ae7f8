//go:build faults

package faults_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim"
)

// switches begins a suspension or a resumption of the base's subject, and waits until it has its outcome and nothing moves any more. One
// that ended dirty an operator lets go on once.
func (r *run) switches(wish fleet.OperationKind) error {
	id := r.base.subject
	r.mu.Lock()
	r.id = id
	r.mu.Unlock()
	r.approved = time.Now()
	status, answer, err := r.do("/instances/"+id+"/"+string(wish), `{"reason":"payment"}`, operator)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("the wish was answered with %d: %v, %w", status, answer, err)
	}
	for range 8 {
		if err := r.w.Settle(r.ctx); err != nil {
			return err
		}
		o, err := r.switched()
		switch {
		case err != nil || o.Outcome != "" && (o.Outcome != fleet.FailedDirty || r.retried):
			return err
		case o.Outcome == fleet.FailedDirty:
			r.retried = true
			if status, answer, err := r.do("/instances/"+id+"/retry", "", operator); err != nil || status != http.StatusAccepted {
				return fmt.Errorf("the retry was answered with %d: %v, %w", status, answer, err)
			}
		default:
			time.Sleep(time.Minute)
			if _, err := r.w.Invoke(r.ctx, "reconcile", json.RawMessage("{}")); err != nil {
				return fmt.Errorf("reconcile: %w", err)
			}
		}
	}
	return errors.New("the operation never came to an outcome")
}

// switched is the operation that switches.
func (r *run) switched() (fleet.Operation, error) {
	all, err := r.w.Store.Operations(r.ctx, r.base.subject)
	if err != nil {
		return fleet.Operation{}, err
	}
	last := slices.MaxFunc(all, func(a, b fleet.Operation) int { return a.StartedAt.Compare(b.StartedAt) })
	if last.Kind.Course().From == "" {
		return last, errors.New("the operation was never begun")
	}
	return last, nil
}

// switching judges a suspension or a resumption: every switch is set as the instance's state wants it, at the vendors as in the ledger,
// and what is ACTIVE is exactly what it was before it was suspended.
func (j *judgement) switching(want map[string]int) verdict {
	id := j.base.subject
	i, err := j.w.Store.Instance(j.ctx, id)
	o, failed := j.switched()
	if !j.check(err) || !j.check(failed) || i == nil {
		return verdict{Outcome: "!", Violations: j.wrong}
	}
	v := verdict{Outcome: "!", Seconds: int(o.EndedAt.Sub(j.approved).Round(time.Second) / time.Second)}
	to := fleet.Serving
	switch {
	case o.Outcome != fleet.Succeeded && o.Outcome != fleet.Undone, o.Done(*i) != (o.Outcome == fleet.Succeeded):
		j.errorf("the instance is %s, its operation ended as %q (%s): %s", i.State, o.Outcome, o.Failure, i.Progress.Reason)
	case i.State == fleet.Active:
		v.Outcome = "A"
		j.exact()
	case i.State == fleet.Suspended:
		v.Outcome, to = "S", fleet.Stopped
	}
	if i.Operation != "" || i.Unfinished != "" || (i.Suspension != nil) != (to == fleet.Stopped) {
		j.errorf("%q holds the lease, %q is unfinished, the suspension is %+v", i.Operation, i.Unfinished, i.Suspension)
	}
	j.set(*i, to)
	j.held(id, want)
	j.messages(id, true)
	j.announced(o)
	j.executions()
	j.claim(i, true)
	j.audit(id)
	j.led()
	v.Violations = append(j.wrong, j.neighbour()...)
	return v
}

// set judges how each switch is set.
func (j *judgement) set(i fleet.Instance, to fleet.Setting) {
	entries, err := j.w.Store.Resources(j.ctx, i.ID)
	project, failed := j.w.Store.Resource(j.ctx, i.ID, fleet.SupabaseProject, fleet.ResourceName(i.ID))
	if !j.check(err) || !j.check(failed) {
		return
	}
	if unset := fleet.Unset(entries, to); len(unset) > 0 {
		j.errorf("by the ledger not %s: %v", to, unset)
	}
	for kind, is := range j.w.Vendors.Switches(i, project.ID) {
		if is != to {
			j.errorf("at the vendor %s is %s, want %s", kind, is, to)
		}
	}
}

// exact judges that every vendor has what it had when the subject was last ACTIVE.
func (j *judgement) exact() {
	for _, v := range j.w.Vendors.All() {
		state, err := v.Save()
		now, failed := sim.Elements(state)
		was, broken := sim.Elements(j.base.live[v.Name()])
		if !j.check(errors.Join(err, failed, broken)) {
			return
		}
		before := sim.Timeless(was)
		for _, e := range sim.Timeless(now) {
			if !slices.Contains(before, e) {
				j.errorf("%s has, and had not: %.200s", v.Name(), e)
			}
		}
	}
}

// announced judges that the administrator was told of what was done, unless an incident says that they may not have been, and of nothing else.
func (j *judgement) announced(o fleet.Operation) {
	m, err := j.w.Store.Message(j.ctx, o.InstanceID, o.Announcement())
	if j.check(err) && (m != nil) != (o.Outcome == fleet.Succeeded) {
		j.errorf("the operation ended as %s, and its message is %+v", o.Outcome, m)
	}
}
