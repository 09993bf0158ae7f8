package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

// Room asks the vendors whether there is room for what is to come, by the names of step.Quotas. It gives what is full, and how to
// get more; nothing where there is room. A vendor whose limit is not known is not asked. One that doesn't tell in time is an
// Unavailable fault that names it.
func (d Deps) Room(ctx context.Context, coming map[string]int) (full []string, err error) {
	if end, ok := clock.Deadline(ctx); ok {
		var cancel context.CancelFunc
		ctx, cancel = d.clock.WithTimeout(ctx, end.Sub(d.clock.Now())-forAnswer)
		defer cancel()
	}
	counts := []struct {
		quota
		count func(context.Context) (int, error)
	}{
		{projectsQuota, d.supabase.CountProjects}, {frontendsQuota, d.vercel.CountProjects}, {recordsQuota, d.cloudflare.CountRecords},
		{subaccountsQuota, d.twilio.CountAccounts}, {subusersQuota, d.sendgrid.CountSubusers},
	}
	said, silent := make([]string, len(counts)), make([]string, len(counts))
	var all sync.WaitGroup
	for i, c := range counts {
		limit := d.quotas[c.name]
		if limit <= 0 || coming[c.name] <= 0 {
			continue
		}
		all.Go(func() {
			defer func() {
				if recover() != nil { // its value may hold anything
					silent[i] = c.what
				}
			}()
			used, err := ask(ctx, d.clock, c.count)
			switch more := coming[c.name]; {
			case err != nil:
				silent[i] = c.what + " (" + string(fault.CodeOf(err)) + ")"
			case used+more > limit:
				said[i] = fmt.Sprintf("%s: %d of %d are used, and %d more are needed with what is approved already: %s", c.what, used, limit, more, c.more())
			}
		})
	}
	all.Wait()
	none := func(text string) bool { return text == "" }
	if silent = slices.DeleteFunc(silent, none); len(silent) > 0 {
		return nil, fault.New(fault.Unavailable, "nobody tells how much is used of: %s", strings.Join(silent, ", "))
	}
	return slices.DeleteFunc(said, none), nil
}
