package operation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

// TestResting: what is said of an instance on which nothing runs names a command that the API takes.
func TestResting(t *testing.T) {
	off := &fleet.Suspension{Reason: fleet.ForPayment}
	ends := time.Date(2027, 1, 28, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		instance fleet.Instance
		next     string
	}{
		"live":                {fleet.Instance{}, ""},
		"suspended":           {fleet.Instance{ID: "i", Suspension: off}, "fleetctl resume i"},
		"suspended in notice": {fleet.Instance{ID: "i", Suspension: off, Decommission: &fleet.Decommission{Stage: fleet.InNotice}}, "fleetctl resume i"},
		"in grace":            {fleet.Instance{ID: "i", Suspension: off, Decommission: &fleet.Decommission{Stage: fleet.InGrace, GraceEnds: ends}}, "not before 2027-01-28T12:00:00Z; to keep it: fleetctl decommission i --cancel"},
		"withdrawn":           {fleet.Instance{ID: "i", Suspension: off, Decommission: &fleet.Decommission{Stage: fleet.Withdrawn}}, "fleetctl resume i"},
	} {
		if got := operation.Resting(c.instance).NextAction; !strings.HasSuffix(got, c.next) || (got == "") != (c.next == "") {
			t.Errorf("%s: %q, want %q", name, got, c.next)
		}
	}
}
