package approval

import (
	"context"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
)

// needs are how many resources of a kind an instance takes of each quota: its host name's record, and the three by which SendGrid
// signs its mail.
var needs = []struct {
	quota string
	kind  fleet.Kind
	each  int
}{
	{step.SupabaseProjects, fleet.SupabaseProject, 1},
	{step.VercelProjects, fleet.VercelProject, 1},
	{step.DNSRecords, fleet.DNSRecord, 4},
	{step.TwilioSubaccounts, fleet.TwilioSubaccount, 1},
	{step.SendGridSubusers, fleet.SendGridSubuser, 1},
}

// room is a 409 fault where a vendor has no room for one more instance beside those that are approved or being provisioned and have
// not made all of theirs yet, and a 424 one where a vendor doesn't tell. A signup that doesn't wait for a decision needs none. Beside
// are signups that were approved a moment ago, for lists that don't show it yet.
//
// Two approvals by different hands within the moment by which the fleet's lists lag may both find the last room: the second provisioning then fails
// with QuotaExceeded and is taken down clean.
func (d Deps) room(ctx context.Context, env step.Env, id string, beside []string) error {
	if !fleet.IsInstanceID(id) {
		return nil
	}
	s, err := env.Store.Signup(ctx, id)
	if err != nil || s == nil || s.Status != fleet.Requested || len(env.Settings.Quotas) == 0 {
		return err
	}
	coming, err := coming(ctx, env, beside)
	if err != nil {
		return err
	}
	full, err := d.vendors.Room(ctx, coming)
	switch {
	case fault.Is(err, fault.Unavailable):
		return httpapi.Later(fault.Unavailable, "whether there is room for one more instance is not known: "+
			step.SafeText(err)+". Nothing was decided; try again in a moment")
	case err != nil:
		return err
	case len(full) > 0:
		return httpapi.Refuse(http.StatusConflict, fault.QuotaExceeded, "there is no room for one more instance: "+strings.Join(full, "; "))
	}
	return nil
}

// coming counts by quota what the next instance takes, and those before it that are not done have still to make. What is taken down
// makes nothing more.
func coming(ctx context.Context, env step.Env, beside []string) (map[string]int, error) {
	approved, err := env.Store.Signups(ctx, fleet.Approved)
	if err != nil {
		return nil, err
	}
	admitted, err := env.Store.Signups(ctx, fleet.Admitted)
	if err != nil {
		return nil, err
	}
	whole := map[string]bool{} // those that have all to make yet
	for _, id := range beside {
		whole[id] = true
	}
	for _, s := range approved {
		whole[s.InstanceID] = true
	}
	for _, s := range admitted {
		delete(whole, s.InstanceID)
	}
	coming := map[string]int{}
	for _, n := range needs {
		coming[n.quota] = n.each * (1 + len(whole))
	}
	for _, s := range admitted {
		o, err := env.Store.Operation(ctx, s.InstanceID, fleet.ProvisionID(s.InstanceID))
		if err != nil {
			return nil, err
		}
		if o != nil && o.Phase == fleet.TakingDown {
			continue
		}
		ledger, err := env.Store.Resources(ctx, s.InstanceID)
		if err != nil {
			return nil, err
		}
		for _, n := range needs {
			made := 0
			for _, e := range ledger {
				if e.Kind == n.kind && e.Status == fleet.Created {
					made++
				}
			}
			coming[n.quota] += max(0, n.each-made)
		}
	}
	return coming, nil
}
