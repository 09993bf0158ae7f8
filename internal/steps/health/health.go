// Package health looks at an instance as the world sees it.
package health

import (
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these steps use.
type Deps struct{ Edge *edge.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{edge.New(env.Provider)}, nil }

// AwaitCertificate waits for a verified TLS handshake with the instance's public host name. It only reads.
func AwaitCertificate(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Poll(ctx, "the certificate", func(ctx context.Context) (bool, error) {
			err := d.Edge.Handshake(ctx, run.Instance.Host)
			return err == nil, err
		})
	}
}

// Verify waits until the instance's page answers and its health endpoint calls it healthy, under its own id. It only reads.
func Verify(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Poll(ctx, "the instance", func(ctx context.Context) (bool, error) {
			status, _, err := d.Edge.Page(ctx, run.Instance.Host, "/")
			if err != nil || status != http.StatusOK {
				return false, err
			}
			h, err := d.Edge.Health(ctx, run.Instance.Host)
			return err == nil && h.Status == "healthy" && h.InstanceID == run.Instance.ID, err
		})
	}
}
