package instance

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/view"
)

// List gives everything that was signed up for, newest first, and what is frozen. ?state= leaves only instances of a state, ?signup=
// only signups of a status, ?stage= only those in a stage of their end. It is made of a few of the fleet's lists, whatever the number of instances, and lags as they do.
func List(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		state, status := fleet.State(r.QueryStringParameters["state"]), fleet.SignupStatus(r.QueryStringParameters["signup"])
		stage := fleet.Stage(r.QueryStringParameters["stage"])
		bad := httpapi.BadFields{}
		if state != "" && !slices.Contains(fleet.States(), state) {
			bad["state"] = "one of " + listed(fleet.States())
		}
		if status != "" && !slices.Contains(fleet.SignupStatuses(), status) {
			bad["signup"] = "one of " + listed(fleet.SignupStatuses())
		}
		if stage != "" && !slices.Contains(fleet.Stages(), stage) {
			bad["stage"] = "one of " + listed(fleet.Stages())
		}
		if len(bad) > 0 {
			return 0, nil, bad
		}
		all, err := overview(ctx, env)
		if err != nil {
			return 0, nil, err
		}
		all.Instances = slices.DeleteFunc(all.Instances, func(row view.Row) bool {
			return state != "" && row.State != state || status != "" && row.Signup != status || stage != "" && row.Stage != stage
		})
		return http.StatusOK, all, nil
	})
}

func listed[T ~string](all []T) string {
	var words []string
	for _, one := range all {
		words = append(words, string(one))
	}
	return strings.Join(words, ", ")
}

// overview joins the fleet's lists.
func overview(ctx context.Context, env step.Env) (view.Fleet, error) {
	var all view.Fleet
	signups := map[string]fleet.Signup{}
	var queue waiting
	for _, status := range fleet.SignupStatuses() { // by the way of a signup: one that is in two lists while they lag is in the later
		list, err := env.Store.Signups(ctx, status)
		if err != nil {
			return all, err
		}
		for _, s := range list {
			signups[s.InstanceID] = s
		}
		if status == fleet.Approved {
			queue.approved = list
		}
	}
	instances := map[string]fleet.Instance{}
	for _, state := range fleet.States() {
		list, err := env.Store.Instances(ctx, state)
		if err != nil {
			return all, err
		}
		for _, i := range list {
			instances[i.ID] = i
		}
	}
	open, err := env.Store.OpenIncidents(ctx)
	if err != nil {
		return all, err
	}
	incidents := map[string]int{}
	for _, i := range open {
		incidents[i.InstanceID]++
	}
	if queue.freezes, err = env.Store.Freezes(ctx); err != nil {
		return all, err
	}
	if queue.outages, err = env.Store.Outages(ctx); err != nil {
		return all, err
	}
	all.Frozen = append([]fleet.Freeze{}, queue.freezes...) // none is an empty list, not null
	all.Instances = make([]view.Row, 0, len(signups))
	places := queue.places()
	for _, id := range slices.Sorted(maps.Keys(signups)) {
		var i *fleet.Instance
		if there, ok := instances[id]; ok {
			i = &there
		}
		row := queue.row(signups[id], i, places[id])
		row.Incidents = incidents[id]
		all.Instances = append(all.Instances, row)
	}
	slices.SortStableFunc(all.Instances, func(a, b view.Row) int { return cmp.Compare(b.Since.UnixNano(), a.Since.UnixNano()) })
	return all, nil
}

// waiting is what signups wait for.
type waiting struct {
	approved []fleet.Signup // in the order of approval
	freezes  []fleet.Freeze
	outages  []fleet.Outage
}

// places are the places in the queue, from 1, by instance's id.
func (w waiting) places() map[string]int {
	places := map[string]int{}
	for n, s := range w.approved {
		places[s.InstanceID] = n + 1
	}
	return places
}

// row is what lists show of a signup and its instance, which is nil while there is none.
func (w waiting) row(s fleet.Signup, i *fleet.Instance, place int) view.Row {
	row := view.Row{ID: s.InstanceID, Slug: s.Slug, Plan: s.Plan, Region: s.Region, Signup: s.Status, Since: s.RequestedAt}
	if i != nil {
		row.State, row.Progress, row.Held = i.State, i.Progress, i.Hold != nil
		if d := i.Decommission; d != nil && d.Stage != fleet.Withdrawn {
			row.Stage, row.Ends = d.Stage, d.Ends()
		}
		if i.Operation != "" && row.Progress == (fleet.Progress{}) { // a short one leaves it as it is
			row.Progress = fleet.Progress{Reason: i.Operation + " runs", NextAction: "none: it ends by itself; one whose invocation died is ended within a quarter of an hour"}
		}
		return row
	}
	row.Progress = fleet.Progress{Reason: s.Reason, NextAction: s.Status.NextAction()}
	switch s.Status {
	case fleet.Requested:
		row.Progress.Reason, row.Progress.Deadline = "waits for an operator", s.RequestedAt.Add(bounds.Decide)
	case fleet.Approved:
		row.Place = place
		row.Progress.Reason = "waits for a slot"
		if o := fleet.VendorDown(w.outages, fleet.Vendors()...); o != nil {
			row.Progress = fleet.Progress{Reason: "waits for " + o.Vendor + ", which is down",
				NextAction: "none: it is watched; its provisioning begins by itself when " + o.Vendor + " answers and a slot is free"}
		}
		if f := fleet.Frozen(w.freezes, fleet.Vendors()...); f != nil {
			row.Progress = fleet.Progress{Reason: "waits for a thaw: " + f.What() + " (" + f.Reason + ")",
				NextAction: "thaw " + f.Scope + "; its provisioning then begins by itself as soon as a slot is free"}
		}
	case fleet.Admitted, fleet.Completed, fleet.Failed: // the list of instances lags
		row.Progress.Reason = cmp.Or(s.Reason, "is "+string(s.Status))
	case fleet.Rejected, fleet.Expired:
	}
	return row
}
