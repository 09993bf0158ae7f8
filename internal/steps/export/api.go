package export

import (
	"context"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/view"
)

// Begin begins an export of an ACTIVE or SUSPENDED instance, and tells the operation, whose id is the export's. Asked again while it
// runs it tells the same one.
//
// 202; 404 for an instance that isn't there; 409 for one in another state, while another operation runs or is to be retried, and while
// a vendor is frozen.
func Begin(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		o, err := operation.Begin(ctx, env, r.ID, operation.Wish{Kind: fleet.MakeExport, Actor: r.Operator})
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, operation.Told(*o), nil
	})
}

// List tells an instance's exports, newest first. 404 for an instance that isn't there.
func List(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		all, err := exports(ctx, env, r.ID)
		return http.StatusOK, view.Exports{Exports: all}, err
	})
}

func exports(ctx context.Context, env step.Env, instanceID string) ([]fleet.Export, error) {
	if !fleet.IsInstanceID(instanceID) {
		return nil, unknown("instance")
	}
	i, err := env.Store.Instance(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, unknown("instance")
	}
	all, err := env.Store.Exports(ctx, instanceID)
	slices.SortFunc(all, func(a, b fleet.Export) int { return b.BegunAt.Compare(a.BegunAt) })
	return all, err
}

// Show tells an export, and of one that is sealed its manifest. 404 for one that isn't there; 410 for one whose files are deleted.
func Show(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		all, err := exports(ctx, env, r.ID)
		if err != nil {
			return 0, nil, err
		}
		at := slices.IndexFunc(all, func(e fleet.Export) bool { return e.ID == r.PathParameters["export"] })
		if at < 0 {
			return 0, nil, unknown("export")
		}
		told := view.Export{Export: all[at]}
		if told.Manifest == "" {
			return http.StatusOK, told, nil
		}
		if !told.ExpiresAt.IsZero() && !env.Clock.Now().Before(told.ExpiresAt) {
			return 0, nil, httpapi.Refuse(http.StatusGone, fault.Overdue, "the export's files are deleted")
		}
		m, err := export.ReadManifest(ctx, &files{store: env.Exports, folder: told.Folder}, told.Manifest)
		for _, f := range m.Files {
			told.Content = append(told.Content, view.ExportFile{Name: f.Name, Bytes: f.Bytes, SHA256: f.SHA256, Rows: f.Rows})
		}
		for _, l := range m.LeftOut {
			told.Lacks = append(told.Lacks, l.What+": "+l.Reason)
		}
		return http.StatusOK, told, err
	})
}

func unknown(what string) error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such "+what)
}
