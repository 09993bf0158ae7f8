//go:build faults

package faults_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// verdict is how a run ended.
type verdict struct {
	// Outcome: "A" ACTIVE, "C" TERMINATED and clean, "R" the same after a take-down that ended dirty and an operator's retry;
	// "S" SUSPENDED; "N" in its notice, "G" in its grace, "T" TERMINATED with the proof; "!" neither.
	Outcome    string   `json:"outcome"`
	Seconds    int      `json:"seconds"` // of virtual time, from the approval to the operation's end
	Violations []string `json:"violations,omitempty"`
}

// judgement collects what is wrong with a run.
type judgement struct {
	*run
	wrong []string
}

func (j *judgement) errorf(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// check notes an error of the judging itself.
func (j *judgement) check(err error) bool {
	if err != nil {
		j.errorf("%v", err)
	}
	return err == nil
}

// judge judges a run that has come to its end. want is what a vendor holds of an ACTIVE instance, counted by kind.
func (r *run) judge(id string, want map[string]int) verdict {
	j := &judgement{run: r}
	switch {
	case r.base.end != nil:
		return j.ending(want)
	case r.base.wish != "":
		return j.switching(want)
	}
	i, err := r.w.Store.Instance(r.ctx, id)
	o, errO := r.w.Store.Operation(r.ctx, id, "op-"+id)
	if !j.check(err) || !j.check(errO) || i == nil || o == nil {
		return verdict{Outcome: "!", Violations: append(j.wrong, "there is no instance, or no operation")}
	}
	v := verdict{Outcome: "!", Seconds: int(o.EndedAt.Sub(r.approved).Round(time.Second) / time.Second)}
	switch {
	case i.State == fleet.Active && o.Outcome == fleet.Succeeded:
		v.Outcome = "A"
	case i.State == fleet.Terminated && o.Outcome == fleet.FailedClean && r.retried:
		v.Outcome = "R"
	case i.State == fleet.Terminated && o.Outcome == fleet.FailedClean:
		v.Outcome, want = "C", nil
	default:
		j.errorf("the instance is %s, its operation ended as %q (%s): %s", i.State, o.Outcome, o.Failure, i.Progress.Reason)
	}
	if v.Outcome != "A" {
		want = nil
	}
	if i.Operation != "" {
		j.errorf("%s still holds the lease", i.Operation)
	}
	j.held(id, want) // at once: what is TERMINATED has nothing left now
	j.check(r.deliver())
	j.messages(id, v.Outcome == "A")
	j.executions()
	j.recheck(id)
	j.held(id, want)
	j.claim(i, v.Outcome == "A")
	j.audit(id)
	j.led()
	v.Violations = append(j.wrong, r.neighbour()...)
	return v
}

// held judges that the vendors hold what the ledger calls created and nothing else, and as much of each kind as is wanted.
func (j *judgement) held(id string, want map[string]int) {
	entries, err := j.w.Store.Resources(j.ctx, id)
	if !j.check(err) {
		return
	}
	var ledger, vendors []string
	kinds := map[string]int{}
	for _, e := range entries {
		if e.Status == fleet.Created && (!slices.Contains(fleet.Settings(), e.Kind) || e.Kind == fleet.AdminUser) {
			ledger = append(ledger, string(e.Kind)+"/"+e.Name)
		}
		if want == nil && !e.Gone() {
			j.errorf("the ledger calls %s/%s %s", e.Kind, e.Name, e.Status)
		}
	}
	for _, h := range j.w.Vendors.Inventory() {
		if !j.before[h.Kind+"/"+h.ID] {
			vendors = append(vendors, h.Kind+"/"+h.Name)
			kinds[h.Kind]++
		}
	}
	slices.Sort(ledger)
	slices.Sort(vendors)
	if !slices.Equal(ledger, vendors) {
		j.errorf("the ledger has %s, the vendors have %s", strings.Join(ledger, " "), strings.Join(vendors, " "))
	}
	for kind, n := range want {
		if kinds[kind] != n {
			j.errorf("%d of %s, want %d", kinds[kind], kind, n)
		}
	}
}

// messages judges that no message was sent twice, and that each that was not surely sent has its incident.
func (j *judgement) messages(id string, active bool) {
	accepted := map[string]int{}
	for _, m := range j.w.Vendors.SendGrid.Sent()[j.mailsSent:] {
		message := m.CustomArgs["message_id"]
		if accepted[message]++; accepted[message] > 1 {
			j.errorf("message %s was sent %d times", message, accepted[message])
		}
	}
	messages, err := j.w.Store.Messages(j.ctx, id)
	if !j.check(err) {
		return
	}
	there := map[string]bool{}
	for _, m := range messages {
		there[m.ID] = true
		n := accepted[id+"/"+m.ID]
		incident, err := j.w.Store.Incident(j.ctx, id, fleet.MessageIncident(m.ID))
		j.check(err)
		switch {
		case m.Status == fleet.MessageSent && n != 1, m.Status == fleet.MessageFailed && n != 0:
			j.errorf("message %s is %s, and was sent %d times", m.ID, m.Status, n)
		case m.Status != fleet.MessageSent && incident == nil:
			j.errorf("message %s is %s, without an incident", m.ID, m.Status)
		}
	}
	wanted := []string{fleet.SignupFailed}
	if active {
		wanted = fleet.NewInstanceMessages()
	}
	for _, message := range wanted {
		if !there[message] {
			j.errorf("there is no message %s", message)
		}
	}
}

// executions judges that each execution has ended, and before its deadline.
func (j *judgement) executions() {
	const slack = 2*bounds.Lambda + bounds.Margin // an invocation that began in time, and its end
	for _, x := range j.w.Executions.ListExecutions() {
		limit := limits()[fleet.Phase(strings.Split(strings.TrimPrefix(x.Name, operationOf(x.Name)+"-"), "-")[0])]
		if took := x.Stopped.Sub(x.Started); x.Status == asl.Running || x.Status == asl.TimedOut || took > limit+slack {
			j.errorf("execution %s is %s after %s", x.Name, x.Status, took)
		}
	}
}

// limits are how long the runs of each phase may take.
func limits() map[fleet.Phase]time.Duration {
	return map[fleet.Phase]time.Duration{fleet.Building: bounds.Provision, fleet.Notifying: bounds.Notify, fleet.TakingDown: bounds.Teardown,
		fleet.Suspending: bounds.Switch, fleet.Resuming: bounds.Switch, fleet.Undoing: bounds.Undo, fleet.Confirming: bounds.Confirm,
		fleet.Noticing: bounds.Export, fleet.Exporting: bounds.Export, fleet.Closing: bounds.Switch}
}

func operationOf(execution string) string {
	_, operation, _ := fleet.OperationOf(execution)
	return operation
}

// recheck lets time go on until nothing is to be looked for again. Within the bounds there is nothing to be found by then.
func (j *judgement) recheck(id string) {
	for range 4 {
		entries, err := j.w.Store.Resources(j.ctx, id)
		if !j.check(err) {
			return
		}
		due := slices.MaxFunc(append(entries, fleet.Resource{}), func(a, b fleet.Resource) int { return a.RecheckAt.Compare(b.RecheckAt) }).RecheckAt
		if due.IsZero() {
			return
		}
		time.Sleep(time.Until(due) + 2*bounds.Margin)
		_, err = j.w.Invoke(j.ctx, "recheck", json.RawMessage("{}"))
		if !j.check(err) || !j.check(j.w.Settle(j.ctx)) {
			return
		}
	}
	j.errorf("the rechecks never end")
}

// claim judges that an active instance has its slug, and that one that is gone has freed it.
func (j *judgement) claim(i *fleet.Instance, active bool) {
	claim, err := j.w.Store.Claim(j.ctx, i.Slug)
	if j.check(err) && (claim != nil) != active {
		j.errorf("the slug's claim is %+v", claim)
	}
	running, err := j.w.Store.RunningOperations(j.ctx)
	if j.check(err) && len(running) > 0 {
		j.errorf("operations still run: %+v", running)
	}
}

// single are the actions that an instance's audit tells once at most of each subject.
var single = []string{"resource.created", "resource.removing", "resource.removed", "resource.absent", "instance.activated",
	"operation.ended", "teardown.begun", "message.sent", "message.failed", "message.unknown"}

// audit judges that the chain is whole, and tells no change twice.
func (j *judgement) audit(id string) {
	entries, head, err := j.w.Store.Audit(j.ctx, id)
	if !j.check(err) || !j.check(fleet.VerifyChain(entries, head)) {
		return
	}
	told := map[string]bool{}
	for _, e := range entries {
		what := e.Action + " " + e.Subject
		if slices.Contains(single, e.Action) && told[what] {
			j.errorf("the audit tells twice: %s", what)
		}
		told[what] = true
	}
	resources, err := j.w.Store.Resources(j.ctx, id)
	j.check(err)
	for _, e := range resources {
		if slices.Contains(fleet.Switches(), e.Kind) {
			continue
		}
		if what := string(e.Kind) + "/" + e.Name; e.Status == fleet.Created && !told["resource.created "+what] && !strings.Contains(e.Name, "#") {
			j.errorf("the audit does not tell that %s was created", what)
		}
	}
}

// heldKinds counts what the vendors hold beyond what they held before.
func (r *run) heldKinds() map[string]int {
	kinds := map[string]int{}
	for _, h := range r.w.Vendors.Inventory() {
		if !r.before[h.Kind+"/"+h.ID] {
			kinds[h.Kind]++
		}
	}
	return kinds
}

// byStart sorts calls by when they were sent.
func byStart(calls []placedCall) []placedCall {
	return slices.SortedStableFunc(slices.Values(calls), func(a, b placedCall) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Vendor+a.Operation, b.Vendor+b.Operation))
	})
}
