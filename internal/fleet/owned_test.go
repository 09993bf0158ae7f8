package fleet_test

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// TestOwners: names and marks lead back to their instance, and nothing else leads to one.
func TestOwners(t *testing.T) {
	const id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	if got, ok := fleet.ResourceOwner(fleet.ResourceName(id)); !ok || got != id {
		t.Errorf("%q %v", got, ok)
	}
	if got, ok := fleet.MarkOwner(fleet.OwnershipMark(id)); !ok || got != id {
		t.Errorf("%q %v", got, ok)
	}
	for _, text := range []string{
		"", id, "gimbal-", "gimbal-www", "Gimbal-" + id, "gimbal-" + id + "-old", " gimbal-" + id, "my gimbal-" + id,
		"owner=gimbal-fleet instance=", "owner=gimbal-fleet instance=" + id + " copied", "owner=other instance=" + id, "gimbal-6F9619FF-8B86-4D01-B42D-00CF4FC964FF",
	} {
		if got, ok := fleet.ResourceOwner(text); ok {
			t.Errorf("%q is a name of %s's", text, got)
		}
		if got, ok := fleet.MarkOwner(text); ok {
			t.Errorf("%q is a mark of %s's", text, got)
		}
	}
}
