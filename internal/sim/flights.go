package sim

import "sync"

// Flights are goroutines that somebody may wait for while further ones begin, which a sync.WaitGroup doesn't allow. The zero
// value is ready; it must not be copied.
type Flights struct {
	mu   sync.Mutex
	none *sync.Cond
	n    int
}

// Go runs f in a goroutine.
func (f *Flights) Go(run func()) {
	f.mu.Lock()
	f.n++
	f.mu.Unlock()
	go func() {
		defer f.land()
		run()
	}()
}

func (f *Flights) land() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 && f.none != nil {
		f.none.Broadcast()
	}
}

// Wait returns at a moment at which none is under way.
func (f *Flights) Wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.none == nil {
		f.none = sync.NewCond(&f.mu)
	}
	for f.n > 0 {
		f.none.Wait()
	}
}
