//go:build faults

package faults_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// part is a part of an instance's end, as runs play it.
type part struct {
	// machines are the workflows that it runs, and asks the functions that are no workflow's and belong to it.
	machines, asks []string
	// begin asks for it; it is asked for again while over says that it has not come about.
	begin func(r *run) error
	over  func(r *run, i fleet.Instance) bool
	// undone: it is what brings a closing back that is cancelled, and what comes before is another part's.
	undone bool
	// certain: nobody cancels it, for there is nothing to cancel, or nothing to go back to.
	certain bool
}

func inStage(i fleet.Instance, is fleet.Stage) bool {
	return i.Decommission != nil && i.Decommission.Stage == is
}

func stage(is fleet.Stage) func(*run, fleet.Instance) bool {
	return func(_ *run, i fleet.Instance) bool { return inStage(i, is) }
}

// withdrawn reports whether an instance is what it was before it was decommissioned.
func withdrawn(_ *run, i fleet.Instance) bool {
	return inStage(i, fleet.Withdrawn) && i.State == i.Decommission.Before
}

// exported reports whether an export is made that was asked for.
func exported(r *run, i fleet.Instance) bool {
	all, err := r.w.Store.Exports(r.ctx, i.ID)
	return err == nil && slices.ContainsFunc(all, func(e fleet.Export) bool { return e.Status == fleet.ExportVerified })
}

// owns tells whether a function's points are the part's: it is a workflow's, or asked by somebody.
func (p *part) owns(function string) bool {
	if p == nil {
		return false
	}
	f, _ := catalog.ByName(function)
	if p.undone {
		return undoes(function) && function != "begin-undo" || slices.Contains(p.asks, function)
	}
	return f.Trigger == catalog.Workflow || slices.Contains(p.asks, function)
}

// posts asks the operators' API for something of the subject's; a refusal is no error.
func posts(path, body string) func(r *run) error {
	return func(r *run) error {
		_, _, err := r.do("/instances/"+r.base.subject+path, body, operator)
		return err
	}
}

// delivers lets the calendar's schedules come whose time has come, and the sweep that backs them.
func delivers(r *run) error {
	r.w.DeliverSchedules(r.ctx)
	_, _ = r.w.Invoke(r.ctx, catalog.Due.Name, json.RawMessage("{}")) // it may die
	return nil
}

// cancels cancels the decommission of an instance, and resumes it where its resumption was undone.
func cancels(r *run) error {
	i, err := r.w.Store.Instance(r.ctx, r.base.subject)
	if err != nil {
		return err
	}
	if inStage(*i, fleet.Withdrawn) && !withdrawn(r, *i) {
		return posts("/resume", "")(r)
	}
	r.cancel()
	return nil
}

// answered is how an operator who cancels was answered.
type answered struct {
	status int
	text   string
}

// cancel is an operator's who takes the decommission back, and asks again as long as there is no answer.
func (r *run) cancel() {
	for range 3 {
		status, answer, err := r.do("/instances/"+r.base.subject+"/decommission/cancel", "", operator)
		if err == nil && status < http.StatusInternalServerError {
			r.mu.Lock()
			r.answers = append(r.answers, answered{status, fmt.Sprint(answer)})
			r.mu.Unlock()
			return
		}
	}
}

// ends plays the base's part, until it has come about or was cancelled and nothing moves any more: by the schedules of the sweeps, and
// with an operator who lets go on once what ended dirty.
func (r *run) ends() error {
	r.mu.Lock()
	r.id = r.base.subject
	r.mu.Unlock()
	r.approved = time.Now()
	if err := r.base.end.begin(r); err != nil {
		return err
	}
	for range 14 {
		if err := r.w.Settle(r.ctx); err != nil {
			return err
		}
		i, err := r.w.Store.Instance(r.ctx, r.id)
		if err != nil {
			return err
		}
		if i.Operation == "" && i.Unfinished == "" && (r.base.end.over(r, *i) || withdrawn(r, *i)) {
			return r.tellsAll()
		}
		if err := r.goesOn(*i); err != nil {
			return err
		}
	}
	return errors.New("the end never comes about")
}

// goesOn lets a quarter of an hour pass, with its sweeps, and its messages.
func (r *run) goesOn(i fleet.Instance) error {
	if err := r.stuck(i); err != nil {
		return err
	}
	if i.Unfinished != "" {
		if r.retried {
			return fmt.Errorf("%s is unfinished after a retry: %+v", i.Unfinished, i.Progress)
		}
		r.retried = true
		return posts("/retry", "")(r)
	}
	time.Sleep(15 * time.Minute)
	for _, function := range []string{catalog.Reconcile.Name, catalog.Deliver.Name} {
		_, _ = r.w.Invoke(r.ctx, function, json.RawMessage("{}")) // it may die
	}
	if err := r.w.Settle(r.ctx); err != nil || i.Operation != "" {
		return err
	}
	return r.base.end.begin(r)
}

// stuck is an error for an instance that nothing goes on with, or that doesn't say what does.
func (r *run) stuck(i fleet.Instance) error {
	if i.Operation != "" {
		o, err := r.w.Store.Operation(r.ctx, i.ID, i.Operation)
		if err == nil && (o.Progress.Deadline.IsZero() || o.Progress.Reason == "" || o.Progress.NextAction == "") {
			err = fmt.Errorf("%s runs without deadline, reason or next action: %+v", o.ID, o.Progress)
		}
		return err
	}
	open, err := r.open(i.ID)
	if err != nil {
		return err
	}
	due, err := r.due(i.ID)
	if err != nil {
		return err
	}
	if i.Decommission.Open() && !due && len(open) == 0 {
		return fmt.Errorf("nothing goes on with stage %s, and nobody is told: %+v", i.Decommission.Stage, i.Progress)
	}
	for _, incident := range open {
		if incident.Reason == "" || incident.NextAction == "" {
			return fmt.Errorf("an incident without reason or next action: %+v", incident)
		}
	}
	return nil
}

// open are an instance's incidents that are open, and due whether something is to be done about its end at any time.
func (r *run) open(id string) ([]fleet.Incident, error) {
	all, err := r.w.Store.Incidents(r.ctx, id)
	return slices.DeleteFunc(all, func(i fleet.Incident) bool { return !i.ClosedAt.IsZero() }), err
}

func (r *run) due(id string) (bool, error) {
	all, err := r.w.Store.Due(r.ctx, time.Now().Add(365*24*time.Hour))
	return slices.ContainsFunc(all, func(d fleet.Due) bool { return d.InstanceID == id }), err
}

// tellsAll lets the outbox be seen to, until nothing is left in it.
func (r *run) tellsAll() error {
	for range 6 {
		left, err := r.w.Store.Outbox(r.ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		_, _ = r.w.Invoke(r.ctx, catalog.Deliver.Name, json.RawMessage("{}")) // it may die
		if err := r.w.Settle(r.ctx); err != nil {
			return err
		}
		time.Sleep(time.Minute)
	}
	return errors.New("the outbox is never empty")
}
