package fleet_test

import (
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
)

func TestUnset(t *testing.T) {
	all := func(is fleet.Setting, change func(kind fleet.Kind, e *fleet.Resource)) (entries []fleet.Resource) {
		for _, kind := range fleet.Switches() {
			e := fleet.Resource{Kind: kind, Status: fleet.Created, Attributes: map[string]string{fleet.Is: string(is)}}
			if change != nil {
				change(kind, &e)
			}
			entries = append(entries, e)
		}
		return entries
	}
	except := func(one fleet.Kind, change func(e *fleet.Resource)) func(fleet.Kind, *fleet.Resource) {
		return func(kind fleet.Kind, e *fleet.Resource) {
			if kind == one {
				change(e)
			}
		}
	}
	attempt := func(e *fleet.Resource) { e.Attempt = &fleet.Attempt{Nonce: "n"} }
	unknown := func(e *fleet.Resource) { e.Attributes = nil }
	serving := func(e *fleet.Resource) { e.Attributes[fleet.Is] = string(fleet.Serving) }
	one := []fleet.Kind{fleet.SignIn}
	for _, test := range []struct {
		name             string
		entries          []fleet.Resource
		stopped, serving []fleet.Kind // what is not set so
	}{
		{"never switched", nil, fleet.Switches(), nil},
		{"other entries", []fleet.Resource{{Kind: fleet.DNSRecord}}, fleet.Switches(), nil},
		{"all stopped", all(fleet.Stopped, nil), nil, fleet.Switches()},
		{"all serving", all(fleet.Serving, nil), fleet.Switches(), nil},
		{"one serving", all(fleet.Stopped, except(fleet.SignIn, serving)), one, slices.DeleteFunc(fleet.Switches(), func(k fleet.Kind) bool { return k == fleet.SignIn })},
		{"one unknown", all(fleet.Serving, except(fleet.SignIn, unknown)), fleet.Switches(), one},
		{"one being switched", all(fleet.Stopped, except(fleet.SignIn, attempt)), one, fleet.Switches()},
		{"one missing", all(fleet.Stopped, nil)[1:], []fleet.Kind{fleet.FrontendPause}, fleet.Switches()[1:]},
	} {
		if got := fleet.Unset(test.entries, fleet.Stopped); !slices.Equal(got, test.stopped) {
			t.Errorf("%s: not stopped: %v, want %v", test.name, got, test.stopped)
		}
		if got := fleet.Unset(test.entries, fleet.Serving); !slices.Equal(got, test.serving) {
			t.Errorf("%s: not serving: %v, want %v", test.name, got, test.serving)
		}
	}
}

func TestSwitchesAreSettingsInsideOfSomething(t *testing.T) {
	for _, kind := range fleet.Switches() {
		if !slices.Contains(fleet.Settings(), kind) {
			t.Errorf("%s is no setting", kind)
		}
		outer, ok := fleet.Inside()[kind]
		if _, deeper := fleet.Inside()[outer]; !ok || deeper {
			t.Errorf("%s is inside of %q", kind, outer)
		}
		if !slices.Contains(fleet.Vendors(), kind.Vendor()) {
			t.Errorf("%s is at %q", kind, kind.Vendor())
		}
	}
}

func TestCourses(t *testing.T) {
	for _, kind := range []fleet.OperationKind{fleet.Provision, fleet.Suspend, fleet.Resume, fleet.Recheck, fleet.Resend} {
		c := kind.Course()
		if c.First == "" {
			t.Errorf("%s has no first phase", kind)
		}
		if _, ok := c.Workflows[c.First]; !ok && len(c.Workflows) > 0 {
			t.Errorf("%s begins with %s, which has no workflow", kind, c.First)
		}
		if c.From != "" && fleet.CheckMove(c.From, c.To) != nil {
			t.Errorf("%s leads from %s to %s", kind, c.From, c.To)
		}
	}
	suspend := fleet.Operation{ID: "suspend-i-7", Kind: fleet.Suspend, Phase: fleet.Suspending, N: 1}
	if suspend.Execution() != "suspend-i-7-suspend-1" || suspend.Workflow() != "suspend" || suspend.Short() {
		t.Errorf("%s of %s", suspend.Execution(), suspend.Workflow())
	}
	suspend.Phase = fleet.Undoing
	if suspend.Execution() != "suspend-i-7-undo-1" || suspend.Workflow() != "resume" {
		t.Errorf("%s of %s", suspend.Execution(), suspend.Workflow())
	}
	if !suspend.Done(fleet.Instance{State: fleet.Suspended}) || suspend.Done(fleet.Instance{State: fleet.Active}) {
		t.Error("a suspension is done when the instance is SUSPENDED")
	}
}

func TestAnnouncements(t *testing.T) {
	const instance = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	of := func(kind fleet.OperationKind, reason fleet.SuspensionReason) fleet.Operation {
		return fleet.Operation{ID: fleet.NewOperationID(kind, instance, 12), Kind: kind, Suspension: &fleet.Suspension{Reason: reason}}
	}
	for _, test := range []struct {
		operation  fleet.Operation
		want, text string
	}{
		{of(fleet.Suspend, fleet.ForPayment), "suspended-payment-12", "suspended-payment"},
		{of(fleet.Suspend, fleet.ForViolation), "suspended-violation-12", "suspended-violation"},
		{of(fleet.Suspend, fleet.ForDecommission), "", ""},
		{fleet.Operation{ID: fleet.NewOperationID(fleet.Resume, instance, 3), Kind: fleet.Resume}, "resumed-3", "resumed"},
		{fleet.Operation{ID: fleet.ProvisionID(instance), Kind: fleet.Provision}, "", ""},
	} {
		got := test.operation.Announcement()
		if got != test.want || fleet.AnnouncementText(got) != test.text || fleet.AnnouncementText(fleet.Repetition(got, 15)) != test.text {
			t.Errorf("%s: %q, of the text %q", test.operation.ID, got, fleet.AnnouncementText(got))
		}
	}
	for _, other := range []string{fleet.Welcome, fleet.Invitation, "resumed", "resumed-", "suspended-1x", "other-1"} {
		if text := fleet.AnnouncementText(other); text != "" {
			t.Errorf("%s has the text %q", other, text)
		}
	}
}
