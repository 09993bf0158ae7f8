package fleet

import "testing"

// TestExportsBeginOnWhatIsThere: an export changes no state, so it begins on what is in use and on what is only switched off.
func TestExportsBeginOnWhatIsThere(t *testing.T) {
	for _, s := range States() {
		if got, want := MakeExport.Begins(s), s == Active || s == Suspended; got != want {
			t.Errorf("an export of what is %s: %t", s, got)
		}
		if got, want := Suspend.Begins(s), s == Active; got != want {
			t.Errorf("a suspension of what is %s: %t", s, got)
		}
	}
}

func TestExportsExecutionNamesItsOperation(t *testing.T) {
	const id = "80a3f6ff-ef7d-5468-80f5-d24647091906"
	o := Operation{ID: NewOperationID(MakeExport, id, 7), InstanceID: id, Kind: MakeExport, Phase: Exporting, N: 2}
	if instance, operation, ok := OperationOf(o.Execution()); !ok || instance != id || operation != o.ID {
		t.Errorf("%q, %q, %t", instance, operation, ok)
	}
}
