//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/project-gimbal/fleet/internal/view"
)

// isExamined: the doctor may ask all that it has to ask, at AWS and at the vendors, and finds a fleet in order.
func isExamined(t *testing.T) {
	got, err := shared.api.send(shared.ctx, http.MethodGet, "/doctor", nil, nil, shared.api.operator)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("it answered %d: %v, %v", got.status, got.body, err)
	}
	text, err := json.Marshal(got.body)
	if err != nil {
		t.Fatal(err)
	}
	var d view.Diagnosis
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Checks {
		if c.Verdict == view.Broken || c.Verdict == view.Unchecked {
			t.Errorf("%s is %s: %s; %s", c.Name, c.Verdict, c.Found, c.Mend)
		}
	}
	if len(d.Checks) < 10 {
		t.Errorf("it made %d checks", len(d.Checks))
	}
}
