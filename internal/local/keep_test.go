package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

// kept is a keeper of a world in which nothing happens by itself.
func kept(t *testing.T, failed func(error)) (*keeper, *world.World) {
	t.Helper()
	f := folder(t.TempDir())
	if err := f.make(); err != nil {
		t.Fatal(err)
	}
	table, err := bolt.Open(f.file("fleet.db"), clock.System(), store.Indexes(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.New(world.Options{Clock: clock.System(), Table: table, Keys: table, Credentials: newCredentials()})
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(f, failed)
	if err := k.restore(w); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.Close(), table.Close()); err != nil {
			t.Error(err)
		}
	})
	return k, w
}

// answered tells of a change and gives a channel that is closed when its caller is answered.
func answered(k *keeper, v sim.Vendor) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		k.settled(v)
		close(c)
	}()
	synctest.Wait()
	return c
}

func closedNow(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestAnswersComeOnceTheChangeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w := kept(t, func(err error) { t.Error(err) })
		if !closedNow(answered(k, w.Vendors.Twilio)) {
			t.Error("no answer")
		}
		if _, err := os.Stat(k.folder.file(vendorFile(w.Vendors.Twilio))); err != nil {
			t.Error(err)
		}
		if err := k.release(); err != nil {
			t.Fatal(err)
		}
		for _, v := range w.Vendors.All() {
			if _, err := os.Stat(k.folder.file(vendorFile(v))); err != nil {
				t.Error(err)
			}
		}
		late := answered(k, w.Vendors.Twilio)
		if closedNow(late) {
			t.Error("a change was answered that came after all was kept")
		}
		k.end()
		<-late
	})
}

func TestChangeThatCannotBeKeptHasNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var complaint error
		k, w := kept(t, func(err error) { complaint = err })
		if err := os.RemoveAll(filepath.Dir(k.folder.file(vendorFile(w.Vendors.Twilio)))); err != nil {
			t.Fatal(err)
		}
		lost := answered(k, w.Vendors.Twilio)
		if closedNow(lost) || !errors.Is(complaint, fs.ErrNotExist) {
			t.Errorf("answered: %t; %v", closedNow(lost), complaint)
		}
		k.end()
		<-lost
	})
}
