package operation

import (
	"context"
	"errors"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Wish is an operation that somebody wants on an instance that is there.
type Wish struct {
	Kind  fleet.OperationKind
	Actor string
	// Suspension is what a Suspend makes of the instance; nil for other kinds.
	Suspension *fleet.Suspension
	// Import is what a TakeIn imports; nil for other kinds.
	Import *fleet.Import
	// Reason is why a GiveNotice is wanted, for other operators.
	Reason string
}

// Begin begins an operation on an instance, and its execution. In one transaction it checks that the instance is in the state from
// which the kind leads, that nothing holds the lease and that no vendor is frozen; moves the epoch; and writes the operation with
// its audit entry. Where one of the kind runs already, that is given: asking twice is asking once. A short operation whose
// invocation died is ended first.
//
// What doesn't allow it is a 409, an instance that isn't there a 404.
func Begin(ctx context.Context, env step.Env, instanceID string, w Wish) (*fleet.Operation, error) {
	if !fleet.IsInstanceID(instanceID) {
		return nil, unknown()
	}
	o, err := w.take(ctx, env, instanceID)
	if busy, ok := errors.AsType[Busy](err); ok {
		if err = reclaimDead(ctx, env, instanceID, busy); err == nil {
			o, err = w.take(ctx, env, instanceID)
		}
	}
	if busy, ok := errors.AsType[Busy](err); ok {
		return nil, httpapi.Conflict(busy.Error() + ": try again when it has ended" + stoppable(busy))
	}
	if err != nil {
		return nil, err
	}
	return o, env.Executions.Start(ctx, o.Workflow(), o.Execution(), o.Input())
}

// stoppable says how what runs is ended where it may take long.
func stoppable(b Busy) string {
	if strings.HasPrefix(b.Operation, string(fleet.TakeIn)+"-") {
		return ", or cancel it"
	}
	return ""
}

func (w Wish) take(ctx context.Context, env step.Env, instanceID string) (taken *fleet.Operation, err error) {
	nonce := env.Nonce()
	course := w.Kind.Course()
	err = env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		taken = nil
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if instance == nil {
			return unknown()
		}
		if instance.Operation != "" {
			holder, err := tx.Operation(instance.Operation)
			if err == nil && holder != nil && (holder.BegunBy == nonce || holder.Kind == w.Kind && holder.Phase == course.First && w.same(holder)) {
				taken = holder // the answer to this very write was lost, or somebody asked before
				return nil
			}
			return errors.Join(err, Busy{instance.Operation})
		}
		if !w.Kind.Begins(instance.State) {
			return httpapi.Conflict("the instance is " + string(instance.State) + ": " + string(w.Kind) + " is for one that is " + beginsOn(w.Kind))
		}
		if course.To == "" && instance.Unfinished != "" {
			return httpapi.Conflict("operation " + instance.Unfinished + " ended dirty: retry it first")
		}
		if err := w.allowed(tx, env, *instance); err != nil {
			return err
		}
		taken, err = w.begin(tx, env, instance, nonce)
		return err
	})
	return taken, err
}

// same reports whether an operation of the kind is the one that is wanted.
func (w Wish) same(o *fleet.Operation) bool {
	return w.Import == nil || o.Import != nil && o.Import.From == w.Import.From && o.Import.Export == w.Import.Export
}

// allowed refuses what an instance's end, or a freeze, doesn't allow.
func (w Wish) allowed(tx *store.Tx, env step.Env, i fleet.Instance) error {
	switch w.Kind {
	case fleet.GiveNotice:
		return decommissionable(tx, i, env.Settings.UnpaidLock())
	case fleet.TakeIn:
		return importable(tx, i)
	}
	if d := i.Decommission; w.Kind == fleet.Resume && d.Open() && d.Stage != fleet.InNotice {
		return httpapi.Conflict("the instance is being decommissioned: cancel that instead, and it is resumed")
	}
	return thawed(tx, string(w.Kind)+" it", w.Kind)
}

func (w Wish) begin(tx *store.Tx, env step.Env, instance *fleet.Instance, nonce string) (*fleet.Operation, error) {
	old, err := tx.Epoch()
	if err != nil {
		return nil, err
	}
	o := &fleet.Operation{ID: fleet.NewOperationID(w.Kind, instance.ID, old+1), InstanceID: instance.ID, Kind: w.Kind, BegunBy: nonce,
		Suspension: w.Suspension, Import: w.Import, StartedAt: tx.Now()}
	if w.Kind == fleet.GiveNotice {
		instance.Decommission = fleet.Decide(*instance, w.Reason, w.Actor, fleet.DefaultPeriods(), tx.Now())
		o.ID = fleet.NumberedID(w.Kind, instance.ID, instance.Decommission.N)
	}
	if err := advance(tx, instance, o, old, w.Kind.Course().First, step.Cause{}); err != nil {
		return nil, err
	}
	if o.Epoch != old+1 {
		return nil, fault.New(fault.Internal, "the epoch moved from %d to %d", old, o.Epoch)
	}
	begun := begunEntry(o, w.Actor, w.why(), env.Request)
	begun.Note = w.Reason
	tx.Audit(begun)
	return o, nil
}

// beginsOn names the states in which an operation of a kind begins.
func beginsOn(k fleet.OperationKind) string {
	var names []string
	for _, s := range fleet.States() {
		if k.Begins(s) {
			names = append(names, string(s))
		}
	}
	return strings.Join(names, " or ")
}

// why is the code of the reason for the audit, or what is imported; empty for none.
func (w Wish) why() string {
	switch {
	case w.Suspension != nil:
		return string(w.Suspension.Reason)
	case w.Import != nil:
		return w.Import.From + "/" + w.Import.Export
	}
	return ""
}
