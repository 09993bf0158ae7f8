package database

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
)

// seed writes what the instance starts with. The database notes each piece, so a replay, even one after the customer began to
// work, changes nothing.
func (d Deps) seed(ctx context.Context, run *step.Run) error {
	applicant, err := run.Applicant(ctx)
	if err != nil {
		return err
	}
	starter := schema.Starter{Company: applicant.Company, Vertical: run.Signup.Vertical, Locale: run.Signup.Locale}
	return run.SeeTo(ctx, fleet.InstanceConfig, "starting content", func(ctx context.Context) error {
		return d.In(ctx, run, func(db schema.Database, ctx context.Context) error { return db.Seed(ctx, starter) })
	})
}
