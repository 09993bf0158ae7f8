package notice

import (
	"context"
	"time"
	_ "time/tzdata" // time zones must not depend on the machine's files

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// ends adds the facts of a message about an instance's end: its times, in the zone that the customer signed up with.
func ends(ctx context.Context, env step.Env, s fleet.Signup, facts map[string]string) error {
	i, err := env.Store.Instance(ctx, s.InstanceID)
	if err != nil {
		return err
	}
	if i == nil || i.Decommission == nil {
		return fault.New(fault.Internal, "the instance is not being decommissioned")
	}
	facts["Home"], facts["From"] = i.Origin(), env.Provider.Settings.MailFrom
	facts["NoticeEnds"], facts["GraceEnds"] = local(i.Decommission.NoticeEnds, s.Timezone), local(i.Decommission.GraceEnds, s.Timezone)
	return nil
}

// local is a time for people in a zone: "Thursday, 31 December 2026, 14:05 EST". In a zone that isn't known it is UTC, which is told.
func local(at time.Time, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		where = time.UTC
	}
	return at.In(where).Format("Monday, 2 January 2006, 15:04 MST")
}
