package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Daily makes the whole fleet's open incidents say what is wrong today: one for each check that is broken or gives warning, and
// none for one that is fine again. A check that could not be made leaves its incident as it is. One that gets worse, or comes
// back, is an incident of its own, so that people hear of it. It may run at any time, and twice at once.
func Daily(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		found := d.examine(ctx, env.Log, forIncidents)
		for _, c := range found.Checks {
			if c.Verdict != view.Fine {
				env.Log.WarnContext(ctx, "check", "check", c.Name, "verdict", string(c.Verdict), "found", c.Found)
			}
		}
		wanted, unchecked := incidents(found)
		return env.Store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
			return tx.Standing(fleet.IncidentCheckFailed, wanted, func(cause string) bool {
				for _, name := range unchecked {
					if strings.HasPrefix(cause, causeOf(name, "")) {
						return true
					}
				}
				return false
			})
		})
	}
}

// incidents are those that a diagnosis asks for, with their causes for ids, and the names of the checks that could not be made.
func incidents(found view.Diagnosis) (wanted []fleet.Incident, unchecked []string) {
	for _, c := range found.Checks {
		switch c.Verdict {
		case view.Broken, view.Warning:
			wanted = append(wanted, fleet.Incident{ID: causeOf(c.Name, c.Verdict), Code: fleet.IncidentCheckFailed,
				Reason: fmt.Sprintf("%s (%s): %s", c.Name, c.Verdict, c.Found), NextAction: c.Mend})
		case view.Unchecked:
			unchecked = append(unchecked, c.Name)
		}
	}
	return wanted, unchecked
}

// causeOf names a finding, for the incident's id.
func causeOf(check string, v view.Verdict) string { return "check/" + check + "/" + string(v) }
