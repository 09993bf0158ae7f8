package branding

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/picture"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

const (
	// maxTries is how often an image is fetched before its host's trouble counts as lasting.
	maxTries = 5
	// tries is the attribute of an image's ledger entry that counts the fetches that were begun, while there is no image.
	tries = "tries"
)

// asset applies one asset once, as step.Change does, and reports whether it is there. What can't be had, whoever refused it, is
// given up for good.
func (s storage) asset(ctx context.Context, name string, attributes func() map[string]string, apply func(ctx context.Context) error) (bool, error) {
	entry, err := s.run.Store.Resource(ctx, s.run.Input.InstanceID, fleet.BrandingAsset, name)
	if err != nil {
		return false, err
	}
	if entry != nil && entry.Status == fleet.Absent { // given up before
		return false, s.run.Update(ctx, func(*store.Tx) error { return nil })
	}
	err = s.run.Change(ctx, step.Change{Kind: fleet.BrandingAsset, Name: name, Apply: apply, Attributes: attributes})
	if fault.Is(err, fault.Rejected, fault.Conflict, fault.NotOurs, fault.QuotaExceeded) {
		return false, s.giveUp(ctx, name, err)
	}
	return err == nil, err
}

// fetch gets a file. Each try is counted before it begins, so that a file over which invocations die is given up as well. Trouble
// that may pass is trouble until the tries are used up.
func (s storage) fetch(ctx context.Context, use picture.Use, address string) ([]byte, error) {
	n, err := s.count(ctx, use, func(n int) int { return n + 1 })
	if err != nil {
		return nil, step.Unsent(err)
	}
	if n > maxTries {
		return nil, &fault.Error{Code: fault.Rejected, Text: fmt.Sprintf("fetching it was tried %d times, and ended untimely each time", maxTries), NothingHappened: true}
	}
	content, err := s.Web.Fetch(ctx, address, picture.MaxBytes)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code.Transient() && n == maxTries {
		lasting := *f
		lasting.Code = fault.Rejected
		return nil, &lasting
	}
	return content, err
}

// forgive takes a try back that failed for no reason of the image's. It gives err.
func (s storage) forgive(ctx context.Context, use picture.Use, err error) error {
	_, uncounted := s.count(ctx, use, func(n int) int { return n - 1 })
	return errors.Join(err, uncounted)
}

// count changes the number of an image's tries, under this invocation's attempt.
func (s storage) count(ctx context.Context, use picture.Use, change func(n int) int) (n int, err error) {
	err = s.run.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(fleet.BrandingAsset, string(use))
		if err != nil {
			return err
		}
		if e == nil || e.Status != fleet.Intended {
			return fault.New(fault.NotReady, "another attempt at the %s took over", use)
		}
		n, _ = strconv.Atoi(e.Attributes[tries]) // none yet is 0
		n = change(n)
		e.Attributes = map[string]string{tries: strconv.Itoa(n)}
		return tx.PutResource(e)
	})
	return n, err
}

// giveUp notes that an asset will not be, and opens the incident that says why, in one transaction.
func (s storage) giveUp(ctx context.Context, name string, cause error) error {
	return s.run.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(fleet.BrandingAsset, name)
		if err != nil || e == nil || e.Status != fleet.Intended {
			return err
		}
		e.Status, e.Attempt, e.Epoch, e.RemovedAt = fleet.Absent, nil, s.run.Input.Epoch, tx.Now()
		tx.Audit(s.run.Audited("resource.absent", string(fleet.BrandingAsset)+"/"+name, "given up"))
		if err := tx.PutResource(e); err != nil {
			return err
		}
		return tx.Open(fleet.Incident{ID: "branding/" + name, Code: fleet.IncidentBrandingFailed,
			Reason:     "the customer's " + name + " is not in place, and the instance has the default look: " + reason(cause),
			NextAction: "tell the customer what is wrong; an administrator of the instance can set another image there"})
	})
}

// reason is a cause in words for people: a fault's text is Fleet's own.
func reason(cause error) string {
	f, ok := errors.AsType[*fault.Error](cause)
	if !ok {
		return "no reason is known"
	}
	if f.Status != 0 {
		return fmt.Sprintf("%s (HTTP %d)", f.Text, f.Status)
	}
	return f.Text
}
