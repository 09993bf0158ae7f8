package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

type instancePage struct {
	view.Instance
	Applicant *fleet.Applicant // of a signup that waits
	Runs      []run
	Moving    bool
	// End is what its end would be, or is; nil where there is nothing to plan.
	End     *fleet.Plan
	Exports []fleet.Export // newest first
}

// instance shows all that is known of one.
func (p *Portal) instance(w http.ResponseWriter, r *http.Request, o visitor) error {
	page, err := o.instance(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	for _, x := range p.runs() {
		if x.Instance == page.ID {
			page.Runs = append(page.Runs, x)
			page.Moving = page.Moving || x.Status == asl.Running
		}
	}
	f := p.console(o, page.Slug, "instances").with(page)
	if f.Refresh = refreshed(page.Moving); !page.changes() {
		f.Refresh = 0
	}
	p.pages.show(w, http.StatusOK, "instance", f)
	return nil
}

// instance asks for all that there is of an instance, or of a signup.
func (o operator) instance(ctx context.Context, id string) (page instancePage, err error) {
	at := "/instances/" + url.PathEscape(id)
	if err := o.get(ctx, at, &page.Instance); err != nil {
		return page, err
	}
	if page.State == "" || page.State == fleet.Provisioning {
		return page, nil
	}
	var exports view.Exports
	err = o.get(ctx, at+"/exports", &exports)
	if page.Exports = exports.Exports; page.State != fleet.Terminated || page.Decommission.Open() {
		page.End = &fleet.Plan{}
		err = errors.Join(err, o.get(ctx, at+"/decommission", page.End))
	}
	return page, err
}

// changes reports whether the page becomes another one by itself.
func (i instancePage) changes() bool {
	return i.State == fleet.Provisioning || i.Signup == fleet.Approved || i.Moving || i.busy() || i.Decommission.Open()
}

func (i instancePage) busy() bool { return i.running() != nil }

// running is the operation that holds the lease; nil for none.
func (i instancePage) running() *fleet.Operation {
	if at := slices.IndexFunc(i.Operations, fleet.Operation.Running); at >= 0 {
		return &i.Operations[at]
	}
	return nil
}

// last is the newest operation but for short ones; nil for none.
func (i instancePage) last() *fleet.Operation {
	for n := range slices.Backward(i.Operations) {
		if !i.Operations[n].Short() {
			return &i.Operations[n]
		}
	}
	return nil
}

// thawed reports whether something new may begin that needs the vendors.
func (i instancePage) thawed() bool { return fleet.Frozen(i.Frozen, fleet.Vendors()...) == nil }

// CanCancel reports whether there is something to cancel: an approved signup, a provisioning, or what switches it off or on.
func (i instancePage) CanCancel() bool {
	last := i.last()
	switch i.State {
	case "":
		return i.Signup == fleet.Approved
	case fleet.Provisioning:
		return last == nil || last.Running() && last.Phase != fleet.TakingDown
	}
	return i.Switching()
}

// Switching reports whether something runs that can be switched back still. What belongs to an end is stopped by cancelling that.
func (i instancePage) Switching() bool {
	o := i.running()
	return o != nil && !o.Kind.Ends() && o.Phase != fleet.Undoing && o.Kind.Course().Workflows[fleet.Undoing] != "" && i.State != o.Kind.Course().To
}

// CanRetry reports whether the last operation but for short ones ended dirty, and may go on.
func (i instancePage) CanRetry() bool {
	last := i.last()
	return last != nil && last.Outcome == fleet.FailedDirty && !i.busy() && i.thawed()
}

// CanSuspend and CanResume report whether a suspension, or a resumption, may begin. What its end has switched off is resumed by cancelling
// that.
func (i instancePage) CanSuspend() bool {
	return i.State == fleet.Active && !i.busy() && i.thawed()
}

func (i instancePage) CanResume() bool {
	return i.State == fleet.Suspended && !i.busy() && i.thawed() && (!i.Decommission.Open() || i.Decommission.Stage == fleet.InNotice)
}

// Resendable are the messages that may be sent once more.
func (i instancePage) Resendable(m fleet.Message) bool {
	return m.Done() && (i.State == fleet.Active || i.State == fleet.Suspended && fleet.AnnouncementText(m.ID) != "")
}

// CanExport reports whether an export may begin.
func (i instancePage) CanExport() bool {
	last := i.last()
	return fleet.MakeExport.Begins(i.State) && !i.busy() && i.thawed() && (last == nil || last.Outcome != fleet.FailedDirty)
}
