package incident

import (
	"cmp"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
)

// What the audit says of a request: on what it rests, or that it waits for another operator.
const (
	exported     = "exported"
	neverActive  = "never-active"
	without      = "without-export"
	waitsAnother = "waits"
)

// guarded lets be asked for what can't be undone: on a verified export, or on a word why without; not while terminations are frozen; and
// on a day of many by two operators. It notes who asked, and gives what the audit says; empty where nothing new is asked.
func (a *asking) guarded(tx *store.Tx, i fleet.Instance) (outcome string, err error) {
	freezes, err := tx.Freezes()
	if err != nil {
		return "", err
	}
	if f := fleet.Frozen(freezes, fleet.Terminations); f != nil {
		return "", httpapi.Conflict(f.What() + " (" + f.Reason + "): what can't be undone waits")
	}
	asked := a.asked(tx)
	if outcome = restsOn(i, asked); outcome == "" {
		return "", httpapi.Conflict("it may hold a customer's data, and no final export of the instance is verified: say in without_export why it goes without one")
	}
	own := fleet.Termination{InstanceID: i.ID, Orphan: string(a.orphan.Kind) + "/" + a.orphan.Name, At: tx.Now()}
	today, err := operation.Today(tx, a.env.Settings, own)
	if err != nil {
		return "", err
	}
	before := a.entry.Asked
	a.entry.Asked = &asked
	switch {
	case today.Anomaly():
		a.anomaly = fmt.Sprintf("%d instances or orphans were deleted for good within a day, twice as many as usual", today.Unseen)
		a.refusal = httpapi.Conflict(a.anomaly + ": terminations are frozen now")
		return "", nil
	case today.All >= today.Limit && asked.Second == "":
		a.refusal = httpapi.Conflict(fmt.Sprintf("%d instances or orphans were deleted for good within a day: another operator than you asks for the same, and it is deleted", today.All))
		if asked.Waits = true; before != nil && before.Waits {
			return "", nil
		}
		return waitsAnother, nil
	}
	latest, err := tx.Terminations()
	if err != nil {
		return "", err
	}
	return outcome, tx.PutTerminations(append(fleet.Within(latest, tx.Now(), own), own))
}

// asked is who asks, with who has asked before for what waits for another operator.
func (a *asking) asked(tx *store.Tx) fleet.Asked {
	asked := fleet.Asked{By: a.operator, At: tx.Now(), Without: a.orphan.WithoutExport}
	if before := a.entry.Asked; before != nil && before.Waits && before.By != a.operator {
		asked = fleet.Asked{By: before.By, At: tx.Now(), Without: cmp.Or(before.Without, asked.Without), Second: a.operator}
	}
	return asked
}

// restsOn is on what a request rests; empty for nothing.
func restsOn(i fleet.Instance, asked fleet.Asked) string {
	switch d := i.Decommission; {
	case i.ActivatedAt.IsZero():
		return neverActive
	case d != nil && d.FinalExport != nil && !d.FinalExport.VerifiedAt.IsZero() && i.State == fleet.Terminated:
		return exported
	case asked.Without != "":
		return without
	}
	return ""
}
