package signup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// List gives operators the signups of a status, with who signed up: a decision needs that. ?status= is REQUESTED unless given.
// Those that wait come in their order, all others newest first; at most view.MaxSignups of them, since each applicant is opened
// with a data key of their own. The list lags as all of the fleet's lists do.
func List(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		status := fleet.Requested
		if given, ok := r.QueryStringParameters["status"]; ok {
			status = fleet.SignupStatus(given)
		}
		if !slices.Contains(fleet.SignupStatuses(), status) {
			return 0, nil, httpapi.BadFields{"status": fmt.Sprintf("one of %s", fleet.SignupStatuses())}
		}
		all, err := list(ctx, env, status)
		return http.StatusOK, all, err
	})
}

func list(ctx context.Context, env step.Env, status fleet.SignupStatus) (view.Signups, error) {
	found, err := env.Store.Signups(ctx, status)
	if err != nil {
		return view.Signups{}, err
	}
	if status != fleet.Requested && status != fleet.Approved {
		slices.Reverse(found)
	}
	all := view.Signups{Signups: []view.SignupRow{}, Total: len(found)}
	for n, s := range found[:min(len(found), view.MaxSignups)] {
		row := view.SignupRow{ID: s.InstanceID, Slug: s.Slug, Plan: s.Plan, Tier: s.Tier, Vertical: s.Vertical, Region: s.Region,
			Timezone: s.Timezone, Locale: s.Locale, Status: s.Status, Reason: s.Reason, NextAction: s.Status.NextAction(),
			RequestedAt: s.RequestedAt, DecidedAt: s.DecidedAt, DecidedBy: s.DecidedBy}
		switch s.Status {
		case fleet.Approved:
			row.Place = n + 1
		case fleet.Admitted: // it may be taken down, or have been so in vain
			row.NextAction = "its instance says: fleetctl show " + s.Slug
		}
		if row.Applicant, err = applicant(ctx, env, s); err != nil {
			return view.Signups{}, err
		}
		all.Signups = append(all.Signups, row)
	}
	return all, nil
}

// applicant opens who signed up. One that can't be opened any more, since its key is destroyed or it is damaged, is nil: it must not
// hide all the others. Whether it can't is not known where the key table or KMS doesn't answer: that is the error.
func applicant(ctx context.Context, env step.Env, s fleet.Signup) (*fleet.Applicant, error) {
	if len(s.Applicant) == 0 { // erased
		return nil, nil
	}
	plain, err := env.Vault.Open(ctx, s.InstanceID, "applicant", s.Applicant)
	if fault.CodeOf(err).Transient() {
		return nil, err
	}
	var a fleet.Applicant
	if err == nil {
		err = json.Unmarshal(plain, &a)
	}
	if err != nil {
		env.Log.WarnContext(ctx, "an applicant does not open", "instance", s.InstanceID, "code", fault.CodeOf(err))
		return nil, nil
	}
	return &a, nil
}
