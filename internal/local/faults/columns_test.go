//go:build faults

package faults_test

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// column is a way in which a call goes wrong.
type column struct {
	name string
	// fails: something else fails for good, so that the run is taken down.
	fails bool
	// faults are those of a row; nil where another column does the same to it.
	faults func(f *workflow, row int) script
}

// columns are those of the table of calls. The last two are the hardest within the bounds: a request that creates and may still
// take effect, while a later attempt ends at its look, and while everything is taken down.
func columns() []column {
	all := []column{{"delayed+429", false, (*workflow).unsure}, {"delayed+fails", true, (*workflow).orphan}}
	for _, kind := range []sim.Kind{sim.Late, sim.Delayed, sim.Hang, sim.Lost, sim.ErrorAfter, sim.ErrorBefore, sim.TooManyRetry, sim.TooMany, sim.Refused} {
		all = append([]column{{string(kind), false, func(f *workflow, row int) script {
			if !f.changes(row) && (kind == sim.ErrorAfter || kind == sim.Delayed || kind == sim.Late) {
				return nil // to a read it does what 500-before and hang do, and nothing
			}
			return f.strikes(row, kind)
		}}}, all...)
	}
	return all
}

func (f *workflow) changes(row int) bool {
	return f.calls[row].Method != http.MethodGet && f.calls[row].Method != http.MethodHead
}

// unsure lets a creating call take effect late, and the next attempt be throttled at its look.
func (f *workflow) unsure(row int) script {
	look := f.look(row)
	if look < 0 {
		return nil
	}
	again := f.rule(look, sim.TooMany)
	again.From, again.To = again.From+1, again.To+1
	return append(f.strikes(row, sim.Delayed), strike{call: again})
}

// orphan lets a creating call take effect late, while another branch fails for good.
func (f *workflow) orphan(row int) script {
	if f.name == "suspend" || f.name == "resume" || f.base.end != nil {
		return f.late(row)
	}
	if f.look(row) < 0 || f.name != "provision" {
		return nil
	}
	sibling := "sendgrid.ValidateDomain"
	switch f.calls[row].place.State {
	case "CreateEmailAccount":
		sibling = "twilio.CreateKey"
	case "DeployFrontend":
		sibling = "supabase.CreateUser"
	case "ProtectHost":
		return nil // nothing runs beside it
	}
	return append(f.strikes(row, sim.Delayed), strike{call: sim.Rule{Call: sibling, Kind: sim.Denied, From: 1}})
}

// late lets a switch be set late, while another branch fails for good: what undoes it is not to be overtaken.
func (f *workflow) late(row int) script {
	sibling := "sendgrid.UpdateSubuser"
	switch state := f.calls[row].place.State; {
	case !f.changes(row) || strings.HasPrefix(state, "Announce") || state == "":
		return nil
	case f.calls[row].Vendor == "sendgrid":
		sibling = "twilio.UpdateAccount"
	}
	return append(f.strikes(row, sim.Delayed), strike{call: sim.Rule{Call: sibling, Kind: sim.Denied, From: 1, To: 1}})
}

// look is the row of the look that comes before a call which creates, in the same step; -1 for other calls.
func (f *workflow) look(row int) int {
	for i := row - 1; i >= 0 && f.calls[row].Method == http.MethodPost; i-- {
		if f.calls[i].place == f.calls[row].place && !f.changes(i) {
			return i
		}
	}
	return -1
}

// rule lets the call of a row go wrong.
func (f *workflow) rule(row int, kind sim.Kind) sim.Rule {
	c := f.calls[row]
	rule := sim.Rule{Call: c.Vendor + "." + c.Operation, Kind: kind, From: c.n, To: c.n}
	switch kind {
	case sim.TooManyRetry:
		rule.After = 5 * time.Second
	case sim.Late:
		rule.After = 30 * time.Second
	case sim.Delayed:
		rule.After = latest(c)
	}
	return rule
}

// strikes are the faults of a call alone. Where it takes effect as late as may be, lists show it as late as may be, too.
func (f *workflow) strikes(row int, kind sim.Kind) script {
	s := script{{call: f.rule(row, kind)}}
	if kind == sim.Delayed {
		s = append(s, strike{lag: bounds.Lag - time.Second})
	}
	return s
}

// latest is the latest moment within the bounds at which a call can take effect, counted from its sending: its invocation lived as
// long as one may, and the quiet period after its death is nearly over.
func latest(c placedCall) time.Duration {
	quiet := bounds.Quiet
	if c.Vendor == "supabase" && c.Operation == "CreateProject" {
		quiet = bounds.QuietProject
	}
	f, _ := catalog.ByName(cmp.Or(c.place.Function, catalog.Deliver.Name))
	return (time.Duration(f.Timeout)*time.Second + quiet - c.into).Truncate(time.Second) - time.Second
}
