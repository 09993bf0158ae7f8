package clock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestVirtualJumps(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	v := NewVirtual(start)
	var said []string
	say := func(word string) { said = append(said, fmt.Sprint(word, " ", v.Now().Sub(start))) }
	err := v.Run(func() {
		for _, d := range []time.Duration{3 * time.Hour, time.Hour, time.Hour, 0} {
			v.Go(func() {
				err := v.Sleep(context.Background(), d)
				say(fmt.Sprint(d, " ", err))
			})
		}
		open := false
		v.Go(func() {
			_ = v.Sleep(context.Background(), 2*time.Hour)
			open = true
			say("opened")
		})
		v.Await(func() bool { return open })
		say("open")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0s <nil> 0s", "1h0m0s <nil> 1h0m0s", "1h0m0s <nil> 1h0m0s", "opened 2h0m0s", "open 2h0m0s", "3h0m0s <nil> 3h0m0s"}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

func TestVirtualTimesOut(t *testing.T) {
	v := NewVirtual(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	start := v.Now()
	err := v.Run(func() {
		ctx, cancel := v.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if at, ok := Deadline(ctx); !ok || !at.Equal(start.Add(time.Minute)) {
			t.Errorf("deadline %v %v", at, ok)
		}
		inner, stop := context.WithCancel(ctx)
		defer stop()
		if err := v.Sleep(inner, time.Hour); err == nil || ctx.Err() != context.DeadlineExceeded {
			t.Errorf("slept: %v, %v", err, ctx.Err())
		}
		if at := v.Now().Sub(start); at != time.Minute {
			t.Errorf("it is %v", at)
		}
		short, end := v.WithTimeout(context.Background(), time.Minute)
		end()
		if err := v.Sleep(short, time.Hour); err != context.Canceled || short.Err() != context.Canceled {
			t.Errorf("a cancelled context: %v", err)
		}
	})
	if err != nil || v.Now().Sub(start) != time.Minute {
		t.Errorf("%v; what nobody waits for moves no clock: %v", err, v.Now().Sub(start))
	}
}

func TestVirtualIsStuck(t *testing.T) {
	v := NewVirtual(time.Time{})
	if err := v.Run(func() { v.Await(func() bool { return false }) }); !errors.Is(err, ErrStuck) {
		t.Errorf("%v", err)
	}
}
