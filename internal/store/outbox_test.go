package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

func (r *rig) outbox() (ids []string) {
	r.Helper()
	list, err := r.store.Outbox(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range list {
		ids = append(ids, m.InstanceID+"/"+m.ID)
	}
	return ids
}

// TestOutbox: what is intended is there, oldest first, until it is concluded or withdrawn; a message of an instance's run never is.
func TestOutbox(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, instance := range []string{"d", "b", "a", "c"} {
			r.update(instance, func(tx *store.Tx) error { return tx.Intend("word", "admin") })
			time.Sleep(time.Minute)
		}
		r.update("e", func(tx *store.Tx) error {
			return tx.PutMessage(&fleet.Message{ID: "word", Status: fleet.MessageIntended})
		})
		if got := r.outbox(); !slices.Equal(got, []string{"d/word", "b/word", "a/word", "c/word"}) {
			r.Errorf("the outbox has %v", got)
		}
		for instance, status := range map[string]fleet.MessageStatus{"d": fleet.MessageSending, "b": fleet.MessageSent, "a": fleet.MessageUnknown} {
			r.update(instance, func(tx *store.Tx) error {
				m, err := tx.Message("word")
				if err != nil {
					return err
				}
				m.Status = status
				return tx.PutMessage(m)
			})
		}
		for _, instance := range []string{"d", "b", "a", "c", "none"} {
			r.update(instance, func(tx *store.Tx) error { return tx.Withdraw("word") })
		}
		if got := r.outbox(); !slices.Equal(got, []string{"d/word"}) { // it may have been sent
			r.Errorf("the outbox has %v", got)
		}
		r.update("b", func(tx *store.Tx) error { return tx.Intend("word", "admin") }) // nobody is told twice
		if m, err := r.store.Message(r.Context(), "b", "word"); err != nil || m.Status != fleet.MessageSent {
			r.Errorf("%+v, %v", m, err)
		}
	})
}
