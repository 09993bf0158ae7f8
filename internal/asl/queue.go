package asl

import "sync"

// queue calls functions one after the other, aside from whoever posts them.
type queue struct {
	mu      sync.Mutex
	waiting []func()
	busy    bool
}

func (q *queue) post(s *Service, f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
	if q.busy {
		return
	}
	q.busy = true
	s.aside(q.drain)
}

func (q *queue) drain() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.busy = false
			q.mu.Unlock()
			return
		}
		f := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		f()
	}
}
