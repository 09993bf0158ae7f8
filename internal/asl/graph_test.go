package asl

import (
	"strings"
	"testing"
	"time"
)

func TestGraph(t *testing.T) {
	m, err := Parse([]byte(whole), wholeSubstitutions)
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph()
	var names []string
	g.Walk(func(s State) { names = append(names, s.Name) })
	want(t, "order", strings.Join(names, " "), "Reserve Both Pause Done Note Which Finished Teardown FailedDirty")
	want(t, "head", g.StartAt+" "+g.Timeout.String()+" "+g.Comment, "Reserve 1h0m0s everything")
	reserve, _ := g.Find("Reserve")
	want(t, "task", reserve, State{Name: "Reserve", Type: Task, Place: "States.Reserve", Next: "Both", Targets: []string{"Both", "Teardown"},
		Function: "reserve-instance", Timeout: 70 * time.Second, ResultPath: "$.reserved",
		Retry: []Retrier{
			{ErrorEquals: []string{"Rejected", "Conflict"}, Interval: time.Second, BackoffRate: 2},
			{ErrorEquals: []string{"Throttled"}, Interval: 2 * time.Second, MaxAttempts: 5, BackoffRate: 1.5, MaxDelay: 30 * time.Second, FullJitter: true},
			{ErrorEquals: []string{"States.ALL"}, Interval: time.Second, MaxAttempts: 3, BackoffRate: 2}},
		Catch: []Catcher{{[]string{"States.ALL"}, "Teardown", "$.error"}}})
	both, _ := g.Find("Both")
	want(t, "a dropped result", both.ResultPath, "")
	want(t, "branches", both.Branches[0].Place+" "+both.Branches[1].StartAt, "States.Both.Branches[0] Note")
	which, _ := g.Find("Which")
	want(t, "choice", which.Targets, []string{"Finished", "FailedDirty"})
	teardown, _ := g.Find("Teardown")
	want(t, "started", teardown.StateMachine, "teardown")
	wait, _ := g.Find("Pause")
	want(t, "wait", wait.Wait, 5*time.Second)
	failed, _ := g.Find("FailedDirty")
	want(t, "error", failed.Error, "Dirty")
	for name, ends := range map[string]bool{"Finished": true, "Note": true, "Done": true, "Which": false, "FailedDirty": false, "Reserve": false} {
		s, ok := g.Find(name)
		want(t, name, []bool{ok, s.Ends()}, []bool{true, ends})
	}
	reserve.Retry[0].ErrorEquals[0] = "changed"
	fresh, _ := m.Graph().Find("Reserve")
	want(t, "a copy", fresh.Retry[0].ErrorEquals[0], "Rejected")
}
