package notice

import (
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

func TestEveryMessageComposes(t *testing.T) {
	facts := map[string]string{"Name": "Ada ${Link}", "Company": "Acme $5", "Home": "https://acme.gimbal.app", "Instance": "an-id", "Link": "https://link"}
	for _, fact := range []string{"Slug", "Plan", "Region", "Reason", "Until", "Signup", "Made", "From", "Code", "Minutes"} {
		facts[fact] = "the " + fact
	}
	for _, id := range append(append(fleet.NewInstanceMessages(), fleet.SignupMessages()...), "export-ready", "download-code") {
		subject, text, err := compose(id, facts)
		if err != nil || subject == "" || text == "" || strings.Contains(subject, "\n") {
			t.Errorf("%s: %q, %q, %v", id, subject, text, err)
		}
		if strings.Contains(text, "Ada") && !strings.Contains(text, "Ada ${Link}") {
			t.Errorf("%s filled a fact's own text: %q", id, text)
		}
	}
	_, _, err := compose(fleet.Invitation, map[string]string{"Name": "Ada"})
	if !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) {
		t.Errorf("a missing fact gave %v", err)
	}
}
