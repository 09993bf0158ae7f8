package provider

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

const (
	// Freshness is how long a credential that was read is used before it is read again: a rotation shows within this time.
	Freshness = 5 * time.Minute
	// staleness is how old one may get while it can't be read again.
	staleness = time.Hour
	// pause is the least time between two reads that failed, and between two that strangers bring about.
	pause = 30 * time.Second
	// remembered is how many values of one credential are known as Fleet's own.
	remembered = 4
)

// Credentials keeps Fleet's own credentials for as long as a process lives. Each is read at its first use, then again by age, and
// when it is refused, so that one can be changed without a deployment. It is safe for concurrent use.
type Credentials struct {
	clock clock.Clock
	read  func(ctx context.Context, name string) (Secret, error)

	mu    sync.Mutex
	known map[string]*credential
}

// credential is what is known of one.
type credential struct {
	values []Secret  // the newest last
	at     time.Time // when the newest was read
	failed time.Time // when a read failed last
	asked  time.Time // when a stranger brought a read about last
}

func (c *credential) value() Secret { return c.values[len(c.values)-1] }

// NewCredentials makes them of what reads one by name.
func NewCredentials(c clock.Clock, read func(ctx context.Context, name string) (Secret, error)) *Credentials {
	return &Credentials{clock: c, read: read, known: map[string]*credential{}}
}

// Get gives a credential by name. While what it is read from doesn't answer, the one that was read before is used for up to an hour.
// One that was taken away or is gone is not.
func (c *Credentials) Get(ctx context.Context, name string) (Secret, error) {
	now := c.clock.Now()
	c.mu.Lock()
	known := c.known[name]
	var kept Secret
	var age time.Duration
	if known != nil {
		kept, age = known.value(), now.Sub(known.at)
		if age < Freshness || age < staleness && now.Sub(known.failed) < pause {
			c.mu.Unlock()
			return kept, nil
		}
	}
	c.mu.Unlock()
	value, err := c.fetch(ctx, name)
	if err != nil && known != nil && age < staleness && fault.CodeOf(err).Transient() {
		return kept, nil
	}
	return value, err
}

// Reread reads a credential anew because the value that was used did not fit what somebody sent, such as a webhook's signature or
// an operator's token. It gives the new value, and whether it is another one. As strangers can bring this about, it reads once in
// 30 seconds at most.
func (c *Credentials) Reread(ctx context.Context, name string, used Secret) (Secret, bool) {
	now := c.clock.Now()
	c.mu.Lock()
	known := c.known[name]
	if known == nil || known.value() != used || now.Sub(known.asked) < pause {
		c.mu.Unlock()
		if known == nil {
			return used, false
		}
		value := c.newest(name)
		return value, value != used
	}
	known.asked = now
	c.mu.Unlock()
	value, err := c.fetch(ctx, name)
	return value, err == nil && value != used
}

// changed reports, of a value that a vendor refused, whether another one has taken its place meanwhile.
func (c *Credentials) changed(ctx context.Context, name string, used Secret) (bool, error) {
	if c.newest(name) != used { // another call has found it
		return true, nil
	}
	value, err := c.fetch(ctx, name)
	return err == nil && value != used, err
}

// newest is the value of a credential that was read last, empty for none.
func (c *Credentials) newest(name string) Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[name]; known != nil {
		return known.value()
	}
	return Secret{}
}

// own reports whether a value is, or was, one of a credential's.
func (c *Credentials) own(name string, value Secret) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[name]
	return known != nil && slices.Contains(known.values, value)
}

// fetch reads a credential and keeps it.
func (c *Credentials) fetch(ctx context.Context, name string) (Secret, error) {
	value, err := c.read(ctx, name)
	if err == nil && value.Empty() {
		err = fault.New(fault.Internal, "the credential %s is empty", name)
	}
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[name]
	switch {
	case err != nil && known != nil:
		if fault.CodeOf(err).Transient() {
			known.failed = now
		}
		return Secret{}, err
	case err != nil:
		return Secret{}, err
	case known == nil:
		c.known[name] = &credential{values: []Secret{value}, at: now}
		return value, nil
	}
	known.at, known.failed = now, time.Time{}
	if known.value() != value {
		known.values = append(known.values, value)
		known.values = known.values[max(0, len(known.values)-remembered):]
	}
	return value, nil
}
