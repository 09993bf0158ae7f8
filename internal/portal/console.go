package portal

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// console begins a page of the console.
func (p *Portal) console(o visitor, title, section string) frame {
	f := p.frame(o.session, title)
	f.Section = section
	return f
}

// count is how many are of a state, and where they are listed.
type count struct {
	Name, Where string
	N           int
}

type overviewPage struct {
	Counts    []count
	Waiting   view.Signups
	Incidents []fleet.Incident
	Frozen    []fleet.Freeze
	Running   []run
	// Stuck are instances past their deadline, or whose take-down ended dirty.
	Stuck []view.Row
}

// overview shows what there is, and what waits for a person.
func (p *Portal) overview(w http.ResponseWriter, r *http.Request, o visitor) error {
	var all view.Fleet
	var open view.Incidents
	var page overviewPage
	if err := errors.Join(o.get(r.Context(), "/instances", &all), o.get(r.Context(), "/incidents", &open),
		o.get(r.Context(), "/signups", &page.Waiting)); err != nil {
		return err
	}
	page.Incidents, page.Frozen = open.Incidents, all.Frozen
	for _, state := range fleet.States() {
		n := 0
		for _, row := range all.Instances {
			if row.State == state {
				n++
			}
		}
		page.Counts = append(page.Counts, count{string(state), "/console/instances?state=" + string(state), n})
	}
	now := p.options.Clock.Now()
	for _, row := range all.Instances {
		if d := row.Progress.Deadline; row.State == fleet.Provisioning && (d.IsZero() && row.Incidents > 0 || !d.IsZero() && d.Before(now)) {
			page.Stuck = append(page.Stuck, row)
		}
	}
	for _, x := range p.runs() {
		if x.Status == asl.Running {
			page.Running = append(page.Running, x)
		}
	}
	f := p.console(o, "Overview", "overview").with(page)
	f.Refresh = refreshed(len(page.Running) > 0)
	p.pages.show(w, http.StatusOK, "overview", f)
	return nil
}

// choice is one of a list's filters.
type choice struct {
	Name, Where string
	Chosen      bool
}

type signupsPage struct {
	view.Signups
	Status  fleet.SignupStatus
	Choices []choice
}

// signupList shows the signups of a status.
func (p *Portal) signupList(w http.ResponseWriter, r *http.Request, o visitor) error {
	page := signupsPage{Status: fleet.SignupStatus(cmp.Or(r.URL.Query().Get("status"), string(fleet.Requested)))}
	if err := o.get(r.Context(), "/signups?"+url.Values{"status": {string(page.Status)}}.Encode(), &page.Signups); err != nil {
		return err
	}
	for _, status := range fleet.SignupStatuses() {
		page.Choices = append(page.Choices, choice{string(status), "/console/signups?status=" + string(status), status == page.Status})
	}
	p.pages.show(w, http.StatusOK, "signups", p.console(o, "Signups", "signups").with(page))
	return nil
}

type instancesPage struct {
	view.Fleet
	Choices []choice
}

// instanceList shows the instances, and the signups that are none yet.
func (p *Portal) instanceList(w http.ResponseWriter, r *http.Request, o visitor) error {
	state, stage := r.URL.Query().Get("state"), r.URL.Query().Get("stage")
	query := url.Values{}
	if state != "" {
		query.Set("state", state)
	}
	if stage != "" {
		query.Set("stage", stage)
	}
	var page instancesPage
	if err := o.get(r.Context(), "/instances?"+query.Encode(), &page.Fleet); err != nil {
		return err
	}
	page.Choices = []choice{{"All", "/console/instances", state == "" && stage == ""}}
	for _, s := range fleet.States() {
		page.Choices = append(page.Choices, choice{string(s), "/console/instances?state=" + string(s), state == string(s)})
	}
	for _, s := range []fleet.Stage{fleet.InNotice, fleet.InGrace} {
		page.Choices = append(page.Choices, choice{view.Staged(s), "/console/instances?stage=" + string(s), stage == string(s)})
	}
	p.pages.show(w, http.StatusOK, "instances", p.console(o, "Instances", "instances").with(page))
	return nil
}

// incidentList shows the open incidents.
func (p *Portal) incidentList(w http.ResponseWriter, r *http.Request, o visitor) error {
	var open view.Incidents
	if err := o.get(r.Context(), "/incidents", &open); err != nil {
		return err
	}
	p.pages.show(w, http.StatusOK, "incidents", p.console(o, "Incidents", "incidents").with(open.Incidents))
	return nil
}

func (p *Portal) nothingHere(http.ResponseWriter, *http.Request, visitor) error {
	return problem{Status: http.StatusNotFound, Title: "Not found", Detail: "There is no such page."}
}
