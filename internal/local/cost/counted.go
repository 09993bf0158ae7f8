package main

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// counted is a table of one invocation that tells the meter what DynamoDB would count, and takes as long as DynamoDB does.
type counted struct {
	table.Table
	meter       *meter
	clock       clock.Clock
	name        string // of the table
	function    string
	read, write time.Duration
}

func (c counted) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	if err := c.clock.Sleep(ctx, c.read); err != nil {
		return table.Item{}, err
	}
	i, err := c.Table.Get(ctx, key, consistent)
	if err == nil || errors.Is(err, table.ErrNotFound) {
		bytes := 0
		if err == nil {
			bytes = size(i)
		}
		c.meter.add(c.function, Usage{ReadUnits: readUnits(bytes, consistent)})
	}
	return i, err
}

func (c counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := c.clock.Sleep(ctx, c.read); err != nil {
		return table.Page{}, err
	}
	page, err := c.Table.Query(ctx, q)
	if err == nil {
		bytes := 0
		for _, i := range page.Items {
			bytes += size(i)
		}
		c.meter.add(c.function, Usage{ReadUnits: readUnits(bytes, q.Consistent)})
	}
	return page, err
}

// Write counts a refused write as well: DynamoDB does.
func (c counted) Write(ctx context.Context, writes []table.Write) error {
	if err := c.clock.Sleep(ctx, c.write); err != nil {
		return err
	}
	total := 0.0
	for _, w := range writes {
		total += writeUnits(w, c.before(ctx, w.Item.Key))
	}
	c.meter.add(c.function, Usage{WriteUnits: total})
	if err := c.Table.Write(ctx, writes); err != nil {
		return err
	}
	for _, w := range writes {
		switch w.Op {
		case table.Put:
			w.Item.Version = w.If.Version + 1
			c.meter.keep(c.name, w.Item.Key, stored(w.Item))
		case table.Delete:
			c.meter.keep(c.name, w.Item.Key, 0)
		}
	}
	return nil
}

// before is the item that is there, uncounted.
func (c counted) before(ctx context.Context, key table.Key) *table.Item {
	i, err := c.Table.Get(ctx, key, true)
	if err != nil {
		return nil
	}
	return &i
}

// keys is the table of wrapped keys: what is read from it is unwrapped by KMS, and what is written was wrapped by it.
type keys struct {
	counted
	wrap time.Duration
}

func (k keys) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	i, err := k.counted.Get(ctx, key, consistent)
	if err == nil {
		err = k.call(ctx)
	}
	return i, err
}

func (k keys) Write(ctx context.Context, writes []table.Write) error {
	if err := k.call(ctx); err != nil {
		return err
	}
	return k.counted.Write(ctx, writes)
}

func (k keys) call(ctx context.Context) error {
	k.meter.add(k.function, Usage{KeyCalls: 1})
	return k.clock.Sleep(ctx, k.wrap)
}

// release counts the files that are read of a release.
type release struct {
	fs.FS
	meter    *meter
	function string
}

func (r release) Open(name string) (fs.File, error) {
	r.meter.add(r.function, Usage{ObjectReads: 1})
	return r.FS.Open(name)
}
