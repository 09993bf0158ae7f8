package portal

import (
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// CanHold reports whether a legal hold may be set.
func (i instancePage) CanHold() bool {
	return i.Hold == nil && i.State != "" && i.State != fleet.Terminated
}

// Decided reports whether its end was decided, and not withdrawn.
func (i instancePage) Decided() bool {
	return i.Decommission != nil && i.Decommission.Stage != fleet.Withdrawn
}

// CanDecommission reports whether its end may begin: nothing is in the way.
func (i instancePage) CanDecommission() bool {
	return i.End != nil && i.End.Stage == "" && len(i.End.Obstacles) == 0
}

// InTheWay is what keeps its end from beginning, or from going on. What runs of it is not in its way.
func (i instancePage) InTheWay() []string {
	if i.End == nil || i.State == fleet.Terminated || i.End.Stage != "" && i.busy() {
		return nil
	}
	return i.End.Obstacles
}

// CanWithdraw reports whether its decommission may be taken back. Nothing may run but what belongs to it.
func (i instancePage) CanWithdraw() bool {
	o := i.running()
	return i.Decommission.Open() && i.State != fleet.Terminated && (o == nil || o.Kind.Ends())
}

// CanApprove reports whether the operator of this console may be the second one whom a termination may need.
func (i instancePage) CanApprove() bool {
	return i.Decommission.Open() && i.State != fleet.Terminated && i.Decommission.Second == "" && i.Decommission.By != fleet.TokenOperator
}

// Wanting says what the export lacks by which it may be deleted only on an operator's word; empty where none has to be given, or can be now.
func (i instancePage) Wanting() string {
	if i.State == fleet.Terminated || i.running() != nil {
		return ""
	}
	_, lacks := i.Decommission.Wanting()
	return lacks
}

// Resumes reports whether taking its decommission back resumes it.
func (i instancePage) Resumes() bool {
	return i.State == fleet.Suspended && i.Decommission.Before == fleet.Active
}

// Making is the execution of an export that is being made; nil for none.
func (i instancePage) Making(e fleet.Export) *run {
	for n, r := range i.Runs {
		if instanceID, operation, ok := fleet.OperationOf(r.Name); ok && instanceID == i.ID && operation == e.ID && r.Stopped.IsZero() {
			return &i.Runs[n]
		}
	}
	return nil
}

// confirmed says what is wrong with the confirmation of a step that can't be taken back: the instance's short name has to be typed. Empty for
// what can be, and for a right one.
func confirmed(final func(view.Instance) bool) func(view.Instance, url.Values) string {
	return func(i view.Instance, typed url.Values) string {
		if !final(i) || typed.Get("sure") == i.Slug {
			return ""
		}
		return "this can't be taken back; type " + i.Slug + " to confirm it"
	}
}

func always(view.Instance) bool { return true }

// endingActions are those of the end of an instance's life.
func endingActions() map[string]action {
	return map[string]action{
		"instances/{id}/hold": did("/instances/{id}/hold", func(typed url.Values) any {
			return view.Hold{Why: typed.Get("why")}
		}, func(fleet.Hold) string {
			return "It is under a legal hold: nothing of it is deleted until that is lifted."
		}),
		"instances/{id}/lift": did("/instances/{id}/lift", func(typed url.Values) any {
			return view.Hold{Why: typed.Get("why")}
		}, func(struct{}) string {
			return "The legal hold is lifted. What is due goes on."
		}).checked(confirmed(func(i view.Instance) bool { return i.Decommission.Open() })),
		"instances/{id}/exports": did("/instances/{id}/exports", nil, func(o view.Operation) string {
			return "It is being exported: execution " + o.Execution + "."
		}),
		"instances/{id}/decommission": did("/instances/{id}/decommission", func(typed url.Values) any {
			return view.Decommission{Reason: typed.Get("reason")}
		}, func(o view.Operation) string {
			return "Its end begins with a first export; then its administrator is told: execution " + o.Execution + "."
		}).checked(confirmed(always)),
		"instances/{id}/decommission/cancel": did("/instances/{id}/decommission/cancel", nil, func(w view.Withdrawal) string {
			if w.Execution == "" {
				return "It is not decommissioned any more."
			}
			return "It is not decommissioned any more, and is being resumed: execution " + w.Execution + "."
		}),
		"instances/{id}/decommission/approve": did("/instances/{id}/decommission/approve", nil, func(d fleet.Decommission) string {
			return "Its termination is approved. It goes on when its grace is over."
		}).checked(confirmed(always)),
		"instances/{id}/decommission/accept-export": did("/instances/{id}/decommission/accept-export", func(typed url.Values) any {
			return view.Acceptance{Why: typed.Get("why")}
		}, func(fleet.Decommission) string {
			return "The export suffices. Its end goes on when its grace is over."
		}).checked(confirmed(always)),
	}
}

// certificatePolicy is of the certificate's own page, which is shown as the archive holds it: it may have its style inside, and do nothing.
const certificatePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

// certificate gives the proof of an instance's end: its page, or its JSON to keep.
func (p *Portal) certificate(kept bool) operatorPage {
	return func(w http.ResponseWriter, r *http.Request, o visitor) error {
		var c view.Certificate
		if err := o.get(r.Context(), "/instances/"+url.PathEscape(r.PathValue("id"))+"/certificate", &c); err != nil {
			return err
		}
		w.Header().Set("Content-Security-Policy", certificatePolicy)
		text, kind := c.Page, "text/html; charset=utf-8"
		if kept {
			text, kind = c.JSON, "application/json"
			w.Header().Set("Content-Disposition", `attachment; filename="certificate.json"`)
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(text)) // the browser may be gone
		return nil
	}
}
