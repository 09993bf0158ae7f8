package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupts counts how often a person asked to stop: by Ctrl-C, or another program by SIGTERM or SIGHUP.
type interrupts struct {
	mu    sync.Mutex
	count int
	first chan struct{} // closed at the first
	again chan struct{} // closed at the second
}

func newInterrupts() *interrupts {
	return &interrupts{first: make(chan struct{}), again: make(chan struct{})}
}

// signals are the interrupts of this process.
func signals() *interrupts {
	i := newInterrupts()
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for range c {
			i.interrupt()
		}
	}()
	return i
}

// interrupt is one more Ctrl-C.
func (i *interrupts) interrupt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	switch i.count {
	case 1:
		close(i.first)
	case 2:
		close(i.again)
	}
}

// asked reports whether there was one.
func (i *interrupts) asked() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count > 0
}

// context is done as soon as there was an interrupt. The caller cancels it when it needs it no more.
func (i *interrupts) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-i.first:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
