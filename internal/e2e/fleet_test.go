//go:build e2e

package e2e

import (
	"testing"
)

// The way of a provisioning without faults, and those of one that was given up while its resources were made.
var (
	wayUp      = []string{"Begin", "ReserveInstance", "CreateResources", "ConfigureAndDeploy", "VerifyHealth", "ActivateInstance", "NotifyCustomer", "EndOperation", "Provisioned"}
	wayDown    = []string{"IsItsEnd", "RemoveResources", "EndOperation", "Ended", "FailedClean"}
	wayGivenUp = []string{"Begin", "ReserveInstance", "CreateResources", "BeginTeardown", "TeardownBegun", "TakenDown"}
)

// TestFleet plays the scenarios side by side on one deployment, and then looks over all that they have left.
func TestFleet(t *testing.T) {
	t.Run("scenarios", func(t *testing.T) {
		for name, scenario := range map[string]func(*testing.T){
			"active": becomesActive, "refused": isRolledBack, "replayed": isTakenInOnce, "approved at once": isProvisionedOnce,
			"stopped": isReconciled, "cancelled": isCancelled, "incident": opensIncident, "examined": isExamined,
			"ended": livesAndEnds, "suspended": showsSuspended,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scenario(t)
			})
		}
	})
	t.Run("upgraded", survivesUpgrade)
	t.Run("afterwards", func(t *testing.T) {
		t.Run("nothing is left over", nothingIsLeftOver)
		t.Run("no secret got out", noSecretGotOut)
		t.Run("nothing was undeliverable", nothingWasUndeliverable)
	})
}
