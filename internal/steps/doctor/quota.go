package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// quota is what is used of something that a vendor allows a number of.
type quota struct {
	check string
	name  string // in FLEET_QUOTAS
	what  string // "projects"
	raise string // how to get more
	// lacking is what happens when there are no more; empty: the next signup fails.
	lacking string
}

// nearly is from how many per cent on a quota gives warning.
const nearly = 90

// judge judges how much of a quota is used, or that nobody could tell.
func (q quota) judge(used int, err error, limit int) view.Check {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return unchecked(q.check, fmt.Sprintf("counting the %s took longer than there was time", q.what),
			"look again in a minute; the daily checkup has twice the time")
	case err != nil:
		return unchecked(q.check, fmt.Sprintf("the %s can't be counted: %s", q.what, step.SafeText(err)),
			"look again in a minute; where it stays so, the credential may not list them")
	case limit <= 0:
		return unchecked(q.check, fmt.Sprintf("%d %s; how many are allowed is not known", used, q.what),
			fmt.Sprintf("look the limit up at the vendor and set %q under quotas of the stage in infra/cdk.json (FLEET_QUOTAS), then: make deploy", q.name))
	case used >= limit:
		return broken(q.check, fmt.Sprintf("all %d %s are used (%d): %s", limit, q.what, used, cmp.Or(q.lacking, "the next signup fails")), q.more())
	case used*100 >= limit*nearly:
		return warning(q.check, fmt.Sprintf("%d of %d %s are used: %d left", used, limit, q.what, limit-used), q.more())
	}
	return fine(q.check, "%d of %d %s are used: %d left", used, limit, q.what, limit-used)
}

func (q quota) more() string {
	return fmt.Sprintf("%s; a new limit goes to %q under quotas of the stage in infra/cdk.json (FLEET_QUOTAS), then: make deploy", q.raise, q.name)
}
