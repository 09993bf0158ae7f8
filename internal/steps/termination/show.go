package termination

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// Show gives the certificate of an instance's end as the archive holds it. One that isn't what was issued is given to nobody.
//
// 200; 404 for an instance that isn't there, or for which none was issued.
func Show(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		told, err := certificate(ctx, env, r.ID)
		return http.StatusOK, told, err
	})
}

func certificate(ctx context.Context, env step.Env, instanceID string) (told view.Certificate, err error) {
	none := httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such certificate: one is issued when everything of an instance is deleted")
	if !fleet.IsInstanceID(instanceID) {
		return told, none
	}
	i, err := env.Store.Instance(ctx, instanceID)
	if err != nil {
		return told, err
	}
	if i == nil || i.Decommission == nil || i.Decommission.Certificate == nil {
		return told, none
	}
	issued := *i.Decommission.Certificate
	text, failed := kept(ctx, env, issued.Key)
	page, missing := kept(ctx, env, issued.Page)
	if err := errors.Join(failed, missing); err != nil {
		return told, err
	}
	if sum(text) != issued.SHA256 {
		return told, fault.New(fault.Internal, "the certificate of %s in the archive is not the one that was issued", instanceID)
	}
	return view.Certificate{JSON: string(text), SHA256: issued.SHA256, Page: string(page), IssuedAt: issued.At}, nil
}

// kept reads a file of the archive.
func kept(ctx context.Context, env step.Env, key string) ([]byte, error) {
	body, err := env.Archive.Read(ctx, key, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(body)
	return text, errors.Join(err, body.Close())
}
