package intake

import (
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/view"
)

// Begin begins the import of an export, of whatever other instance, into an ACTIVE one that nobody has worked in, and tells the operation.
// Asked for the same one again while it runs it tells the same operation. Whether the instance is fresh, and of the export's schema, its
// database tells: the operation fails where it isn't, and nothing is imported.
//
// 202; 404 for an instance or an export that isn't there; 409 for an instance that isn't ACTIVE, is being decommissioned or held, while
// another operation runs or is to be retried, while a vendor is frozen, and for an export that isn't verified; 410 for one whose files
// are deleted; 422 for the instance's own.
func Begin(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var wanted view.Import
		if err := r.Decode(&wanted); err != nil {
			return 0, nil, err
		}
		e, err := chosen(ctx, env, r.ID, wanted)
		if err != nil {
			return 0, nil, err
		}
		o, err := operation.Begin(ctx, env, r.ID, operation.Wish{Kind: fleet.TakeIn, Actor: r.Operator,
			Import: &fleet.Import{From: e.InstanceID, Export: e.ID, By: r.Operator, Folder: e.Folder, Manifest: e.Manifest}})
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, operation.Told(*o), nil
	})
}

// chosen is the export that is wanted, if it can be imported.
func chosen(ctx context.Context, env step.Env, into string, wanted view.Import) (*fleet.Export, error) {
	if wanted.From == into {
		return nil, httpapi.BadFields{"from": "another instance: this one has what it exported"}
	}
	if !fleet.IsInstanceID(wanted.From) || wanted.Export == "" {
		return nil, unknown()
	}
	e, err := env.Store.Export(ctx, wanted.From, wanted.Export)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, unknown()
	case e.Status != fleet.ExportVerified:
		return nil, httpapi.Conflict("the export is " + string(e.Status) + ": only one that was verified can be imported")
	case !e.Given(env.Clock.Now()):
		return nil, httpapi.Refuse(http.StatusGone, fault.Overdue, "the export's files are deleted")
	}
	return e, nil
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such export")
}
