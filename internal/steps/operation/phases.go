package operation

import (
	"context"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// phase is how the runs of one phase go. Nothing else here asks which phase an operation is in.
type phase struct {
	// deadline is how long one run may take.
	deadline time.Duration
	// reason says for people what is under way, next what they do when it is overdue, and hangs what an incident says they do.
	reason, next, hangs string
	// begins: it is an operation's first. Until its execution has begun nothing of its time was used.
	begins bool
	// end reads from the records how the operation ended, and leaves the instance as that is. Nil for what is short.
	end func(tx *store.Tx, i *fleet.Instance, o *fleet.Operation) (fleet.Outcome, error)
	// goOn continues an operation whose execution ended without an outcome.
	goOn func(ctx context.Context, env step.Env, o fleet.Operation) error
}

const (
	thenTakenDown = "look at the execution; if it hangs, stop it: the take-down then begins by itself"
	thenAgain     = "look at the execution; if it hangs, stop it: it is begun again by itself"
)

// phases are all but those of short operations.
func phases() map[fleet.Phase]phase {
	return map[fleet.Phase]phase{
		fleet.Building: {bounds.Provision, "being provisioned", "wait; when overdue it is taken down by itself", thenTakenDown, true,
			endProvisioning, rollBack},
		fleet.Notifying: {bounds.Notify, "telling the customer", "when overdue, look at the instance's messages and tell the customer by hand", thenAgain, false,
			endProvisioning, rollBack},
		fleet.TakingDown: {bounds.Teardown, "taking down", "wait for the take-down; when overdue, look at its execution", thenAgain, false,
			endRemoval, rollBack},
		fleet.Suspending: {bounds.Switch, "being suspended", "wait; when overdue it is undone by itself", thenAgain, true,
			endSwitching, switchOn},
		fleet.Resuming: {bounds.Switch, "being resumed", "wait; when overdue it is undone by itself", thenAgain, true,
			endSwitching, switchOn},
		fleet.Exporting: {bounds.Export, "being exported", "wait; when overdue, look at its execution", thenAgain, true,
			endExporting, exportOn},
		fleet.Importing: {bounds.Export, "being filled by an import", "wait; when overdue, look at its execution; cancelling stops it", thenAgain, true,
			endImporting, importOn},
		fleet.Noticing: {bounds.Export, "being exported, before its notice is given", "wait; when overdue, look at its execution; cancelling the decommission stops it", thenAgain, true,
			endNotice, noticeOn},
		fleet.Closing: {bounds.Switch, "being switched off, for its notice is over", "wait; when overdue it is undone by itself, and tried again", thenAgain, true,
			endClosing, closeOn},
		fleet.Confirming: {bounds.Confirm, "being terminated", "wait; nothing is deleted yet, and cancelling the decommission stops it", thenAgain, true,
			endConfirmation, confirmOn},
		fleet.Undoing: {bounds.Undo, "being undone", "wait; when overdue, look at its execution", thenAgain, false,
			endUndoing, switchOn},
	}
}

// progress is that of a run which begins now.
func (p phase) progress(o fleet.Operation, now time.Time) fleet.Progress {
	reason := p.reason
	if !p.begins && o.Failure != "" {
		reason = fmt.Sprintf("%s (%s)", reason, o.Failure)
	}
	return fleet.Progress{Deadline: now.Add(p.deadline), Reason: reason, NextAction: p.next}
}
