package tabletest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var raceTests = []test{
	{"of 100 creators one wins", func(f *fixture) { f.race(0) }},
	{"of 100 updaters one wins", func(f *fixture) { f.race(1) }},
	{"no update is lost", increments},
	{"a check holds against the write it races with", writeSkew},
}

// writers is how many go at once.
const writers = 100

// atOnce runs n writers together and gives their errors.
func (f *fixture) atOnce(n int, write func(n int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// race wants one of many writers to win on an item of this version, and the others to be told why not.
func (f *fixture) race(version int64) {
	reason := table.Exists
	if version > 0 {
		reason = table.WrongVersion
		f.write(f.create(f.item("a")))
	}
	body := func(n int) []byte { return fmt.Appendf(nil, "writer %d", n) }
	errs := f.atOnce(writers, func(n int) error {
		i := f.item("a")
		i.Body = body(n)
		w := f.update(i, version)
		if version == 0 {
			w = f.create(i)
		}
		return f.try(f.create(f.item(fmt.Sprintf("by%02d", n))), w)
	})
	winner := slices.Index(errs, nil)
	if winner < 0 {
		f.Fatal("nobody won")
	}
	for n, err := range errs {
		var refused *table.ConditionError
		switch {
		case n == winner:
		case err == nil:
			f.Fatalf("writers %d and %d won", winner, n)
		case !errors.As(err, &refused):
			f.Fatalf("writer %d: %v", n, err)
		case !slices.Equal(refused.Reasons, []table.Reason{table.Fine, reason}):
			f.Fatalf("writer %d: refused for %q", n, refused.Reasons)
		}
	}
	i := f.item("a")
	i.Body = body(winner)
	f.is(i, version+1)
	f.shows(table.Query{Partition: f.part, Prefix: "by", Consistent: true}, fmt.Sprintf("by%02d", winner))
}

// increments has writers that read, change and write until they win.
func increments(f *fixture) {
	const each, most = 5, 10_000
	f.write(f.create(f.item("a")), f.create(f.item("b")))
	increment := func() error {
		for range most {
			a, err := f.table.Get(f.Context(), f.key("a"), true)
			if err != nil {
				return err
			}
			var refused *table.ConditionError
			err = f.try(f.update(f.item("a"), a.Version), f.update(f.item("b"), a.Version))
			if !errors.As(err, &refused) {
				return err
			}
		}
		return errors.New("never won")
	}
	errs := f.atOnce(writers/each, func(int) error {
		var err error
		for range each {
			err = errors.Join(err, increment())
		}
		return err
	})
	if err := errors.Join(errs...); err != nil {
		f.Fatal(err)
	}
	f.is(f.item("a"), writers+1)
	f.is(f.item("b"), writers+1)
}

// writeSkew has pairs of writers of which each checks what the other changes: both may not win.
func writeSkew(f *fixture) {
	for round := range 20 {
		x, y := fmt.Sprintf("x%02d", round), fmt.Sprintf("y%02d", round)
		absent := table.Condition{Absent: true}
		errs := f.atOnce(2, func(n int) error {
			if n == 0 {
				return f.try(f.create(f.item(x)), f.check(y, absent))
			}
			return f.try(f.check(x, absent), f.create(f.item(y)))
		})
		if won := (errs[0] == nil) != (errs[1] == nil); !won {
			f.Fatalf("round %d: %v and %v, want one to win", round, errs[0], errs[1])
		}
	}
}
