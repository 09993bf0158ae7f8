package fleet_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
)

const id = "01234567-89ab-cdef-0123-456789abcdef"

// TestNamesFitTheVendors: a Twilio friendly name has at most 64 characters, a comment of a Cloudflare record 100, the name
// of an execution 80.
func TestNamesFitTheVendors(t *testing.T) {
	most := fleet.Operation{ID: "op-" + id, InstanceID: id, Phase: fleet.TakingDown, N: 99999}
	recheck := fleet.Operation{ID: "recheck-" + strconv.FormatInt(1<<62, 10), InstanceID: id, Phase: fleet.LookingAgain, N: 1}
	for _, name := range []struct {
		text string
		most int
	}{{fleet.ResourceName(id), 64}, {fleet.OwnershipMark(id), 100}, {most.Execution(), 80}, {recheck.Execution(), 80}} {
		if len(name.text) > name.most || name.text == "" {
			t.Errorf("%q has %d characters, at most %d fit", name.text, len(name.text), name.most)
		}
	}
	if !strings.Contains(fleet.ResourceName(id), id) || !strings.Contains(fleet.OwnershipMark(id), id) {
		t.Error("a name does not hold the instance's id")
	}
	// Vercel: lower case, digits, ".", "_", "-", and no "---".
	if strings.Trim(fleet.ResourceName(id), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Contains(fleet.ResourceName(id), "---") {
		t.Errorf("%q is no name for a Vercel project", fleet.ResourceName(id))
	}
}

func TestRuns(t *testing.T) {
	for _, test := range []struct {
		phase               fleet.Phase
		execution, workflow string
		activated           bool
	}{
		{fleet.Building, "op-1-provision-2", "provision", false},
		{fleet.Notifying, "op-1-notify-2", "provision", true},
		{fleet.TakingDown, "op-1-teardown-2", "teardown", false},
	} {
		o := fleet.Operation{ID: "op-1", InstanceID: id, Kind: fleet.Provision, Phase: test.phase, N: 2, Epoch: 5}
		want := fleet.RunInput{InstanceID: id, OperationID: "op-1", Epoch: 5, Activated: test.activated}
		if o.Execution() != test.execution || o.Workflow() != test.workflow || o.Input() != want {
			t.Errorf("%s: %s of %s with %+v", test.phase, o.Execution(), o.Workflow(), o.Input())
		}
	}
}

func TestRunning(t *testing.T) {
	for outcome, running := range map[fleet.Outcome]bool{"": true, fleet.Succeeded: false, fleet.FailedClean: false, fleet.FailedDirty: false, fleet.Undone: false} {
		if (fleet.Operation{Outcome: outcome}).Running() != running {
			t.Errorf("an operation with outcome %q", outcome)
		}
	}
}

func TestMessageDone(t *testing.T) {
	for status, done := range map[fleet.MessageStatus]bool{fleet.MessageIntended: false, fleet.MessageSending: false, fleet.MessageSent: true,
		fleet.MessageUnknown: true, fleet.MessageFailed: true} {
		if (fleet.Message{Status: status}).Done() != done {
			t.Errorf("a message that is %s", status)
		}
	}
}

func TestIncidentKinds(t *testing.T) {
	seen := map[fleet.IncidentKind]bool{}
	for _, k := range fleet.IncidentKinds() {
		if seen[k] || !k.Known() {
			t.Errorf("%q is double, or not known", k)
		}
		seen[k] = true
	}
	for _, k := range []fleet.IncidentKind{"", "overdue", "Rejected"} {
		if k.Known() {
			t.Errorf("%q is known", k)
		}
	}
}

func TestIsInstanceID(t *testing.T) {
	for text, want := range map[string]bool{id: true, "": false, id + "0": false, id[1:]: false, strings.ToUpper(id): false, id + "\n": false,
		"urn:uuid:" + id: false, "{" + id[1:35] + "}": false, strings.ReplaceAll(id, "-", ""): false, "unknown": false, "\x00": false} {
		if fleet.IsInstanceID(text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

func TestOperationOf(t *testing.T) {
	for _, kind := range []fleet.OperationKind{fleet.Provision, fleet.Suspend, fleet.Resume, fleet.MakeExport, fleet.TakeIn, fleet.GiveNotice, fleet.Close, fleet.Terminate} {
		o := fleet.Operation{ID: fleet.NewOperationID(kind, id, 7), InstanceID: id, Kind: kind, N: 12}
		switch kind {
		case fleet.Provision:
			o.ID = fleet.ProvisionID(id)
		case fleet.GiveNotice, fleet.Terminate:
			o.ID = fleet.NumberedID(kind, id, 3)
		}
		for o.Phase = range kind.Course().Workflows {
			if instance, operation, ok := fleet.OperationOf(o.Execution()); !ok || instance != id || operation != o.ID {
				t.Errorf("%s is of %q, %q, %v", o.Execution(), instance, operation, ok)
			}
		}
	}
	for _, other := range []string{"", "op-" + id, id + "-provision-1", "recheck-7-recheck-1", "op-x-provision-1", "op-" + id + "-provision-1 ", "op-" + id + "-provision-", "suspend-" + id + "-suspend", "grow-" + id + "-7-grow-1"} {
		if instance, _, ok := fleet.OperationOf(other); ok {
			t.Errorf("%q is of %q", other, instance)
		}
	}
}
