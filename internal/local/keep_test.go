package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// TestCalendarIsKept: the one-time schedules come back, a change that can't be kept is refused, and so is one that comes after all was kept.
func TestCalendarIsKept(t *testing.T) {
	var complaint error
	k, w := kept(t, func(err error) { complaint = err })
	due := map[string]time.Time{"close-x": time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}
	if err := k.calendar(due); err != nil || k.restore(w) != nil || !maps.EqualFunc(w.Calendar(), due, time.Time.Equal) {
		t.Errorf("%v, %v", w.Calendar(), err)
	}
	whole := k.folder
	k.folder = folder(whole.file("none"))
	if err := k.calendar(nil); !errors.Is(err, fs.ErrNotExist) || !errors.Is(complaint, fs.ErrNotExist) {
		t.Errorf("%v, %v", err, complaint)
	}
	k.folder = whole
	if err := k.release(); err != nil || k.calendar(nil) == nil {
		t.Errorf("released: %v", err)
	}
}
