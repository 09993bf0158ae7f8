//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// happened is something that happened: a file was "written" or "read", or "looked" at; a resource was "lost" by its vendor; a data key was "destroyed".
type happened struct{ what, to string }

func (r *run) note(what, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journal = append(r.journal, happened{what, to})
}

// settled notes which resources that weren't there at first, or are the subject's, a vendor has lost, and that a DNS record is there whose target it has lost.
func (r *run) settled(sim.Vendor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.w == nil { // it is being opened
		return
	}
	now := map[string]bool{}
	for _, h := range r.w.Vendors.Inventory() {
		if !r.before[h.Kind+"/"+h.ID] {
			now[h.Kind+"/"+h.Name] = true
		}
	}
	for resource := range r.has {
		if !now[resource] {
			r.journal = append(r.journal, happened{"lost", resource})
		}
	}
	if r.had == nil {
		r.had = map[string]bool{}
	}
	for resource := range now {
		r.had[resource] = true
	}
	r.has = now
	for _, record := range r.dangling() {
		r.journal = append(r.journal, happened{"dangles", record})
	}
}

// dangling are the subject's DNS records whose targets were there and aren't any more: a host name goes before what it leads to.
func (r *run) dangling() (records []string) {
	lost := func(kind string) bool {
		held := func(set map[string]bool) bool {
			for resource := range set {
				if strings.HasPrefix(resource, kind+"/") {
					return true
				}
			}
			return false
		}
		return held(r.had) && !held(r.has)
	}
	host := lost("vercel_domain") || lost("vercel_project")
	mail := lost("sendgrid_domain") || lost("sendgrid_subuser")
	for resource := range r.has {
		name, record := strings.CutPrefix(resource, "dns_record/")
		if record && (host && r.had["vercel_domain/"+name] || mail && !r.had["vercel_domain/"+name]) {
			records = append(records, name)
		}
	}
	return records
}

// files are the contents of a store, by key.
type files map[string][]byte

const exports, archive = "exports", "archive"

// openStores opens the stores with the files that the base has.
func (r *run) openStores(o *world.Options) error {
	var failed error
	fill := func(name string) objects.Store {
		memory := &objects.Memory{}
		for key, content := range r.base.files[name] {
			failed = errors.Join(failed, memory.Put(r.ctx, key, content))
		}
		return watched{memory, name, r}
	}
	o.Exports, o.Archive = fill(exports), fill(archive)
	return failed
}

// stored are the contents of all stores, by their names.
func (r *run) stored() (map[string]files, error) {
	all := map[string]files{}
	for name, store := range map[string]objects.Store{exports: r.options.Exports, archive: r.options.Archive} {
		all[name] = files{}
		store = store.(watched).Store
		list, err := store.List(r.ctx, "")
		for _, o := range list {
			var body io.ReadCloser
			if body, err = store.Read(r.ctx, o.Key, 0); err != nil {
				break
			}
			var content bytes.Buffer
			_, err = content.ReadFrom(body)
			all[name][o.Key] = content.Bytes()
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// watched is a store whose run notes what is done to it.
type watched struct {
	objects.Store
	name string
	run  *run
}

func (w watched) note(err error, what, key string) error {
	if err == nil {
		w.run.note(what, w.name+"/"+key)
	}
	return err
}

// fails sets what befalls the next write of a file; "" for nothing.
func (r *run) fails(h harm) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = h
}

// write does a write, with what befalls it.
func (w watched) write(key string, do func() error) error {
	w.run.mu.Lock()
	failing := w.run.failing
	w.run.failing = ""
	w.run.mu.Unlock()
	lost := fault.New(fault.Unavailable, "the store doesn't answer")
	if failing == unavailable {
		return lost
	}
	if err := w.note(do(), "written", key); err != nil || failing == "" {
		return err
	}
	return lost
}

func (w watched) Put(ctx context.Context, key string, body []byte) error {
	return w.write(key, func() error { return w.Store.Put(ctx, key, body) })
}

func (w watched) PutOnce(ctx context.Context, key string, body []byte) error {
	return w.write(key, func() error { return w.Store.PutOnce(ctx, key, body) })
}

func (w watched) Begin(ctx context.Context, key string) (upload string, err error) {
	err = w.write(key, func() (err error) { upload, err = w.Store.Begin(ctx, key); return err })
	return upload, err
}

func (w watched) Part(ctx context.Context, key, upload string, number int, body []byte) (part objects.Part, err error) {
	err = w.write(key, func() (err error) { part, err = w.Store.Part(ctx, key, upload, number, body); return err })
	return part, err
}

func (w watched) Complete(ctx context.Context, key, upload string, parts []objects.Part) error {
	return w.write(key, func() error { return w.Store.Complete(ctx, key, upload, parts) })
}

func (w watched) Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	body, err := w.Store.Read(ctx, key, offset)
	return body, w.note(err, "read", key)
}

func (w watched) Head(ctx context.Context, key string) (objects.Object, error) {
	o, err := w.Store.Head(ctx, key)
	return o, w.note(err, "looked", key)
}

// keys watches the table of data keys.
func (r *run) keys(_ string, inner table.Table) table.Table { return watchedKeys{inner, r} }

type watchedKeys struct {
	table.Table
	run *run
}

func (k watchedKeys) Write(ctx context.Context, writes []table.Write) error {
	err := k.Table.Write(ctx, writes)
	for _, w := range writes {
		if err == nil && w.Op == table.Delete {
			k.run.settled(nil) // some of what a vendor deletes goes by itself, a while later
			k.run.note("destroyed", w.Item.Key.Partition)
		}
	}
	return err
}
