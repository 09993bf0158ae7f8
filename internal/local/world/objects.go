package world

import (
	"context"
	"io"
	"time"

	"github.com/project-gimbal/fleet/internal/objects"
)

// mortalObjects fails once the life is over. What changes something is a point.
type mortalObjects struct {
	store objects.Store
	life  *life
}

func (m mortalObjects) Put(ctx context.Context, key string, body []byte) error {
	return m.around(func() error { return m.store.Put(ctx, key, body) })
}

func (m mortalObjects) PutOnce(ctx context.Context, key string, body []byte) error {
	return m.around(func() error { return m.store.PutOnce(ctx, key, body) })
}

func (m mortalObjects) Begin(ctx context.Context, key string) (upload string, err error) {
	err = m.around(func() (err error) { upload, err = m.store.Begin(ctx, key); return err })
	return upload, err
}

func (m mortalObjects) Part(ctx context.Context, key, upload string, number int, body []byte) (part objects.Part, err error) {
	err = m.around(func() (err error) { part, err = m.store.Part(ctx, key, upload, number, body); return err })
	return part, err
}

func (m mortalObjects) Complete(ctx context.Context, key, upload string, parts []objects.Part) error {
	return m.around(func() error { return m.store.Complete(ctx, key, upload, parts) })
}

func (m mortalObjects) Abort(ctx context.Context, key, upload string) error {
	return m.around(func() error { return m.store.Abort(ctx, key, upload) })
}

func (m mortalObjects) around(do func() error) error { return m.life.around(false, do) }

func (m mortalObjects) Head(ctx context.Context, key string) (objects.Object, error) {
	if err := m.life.alive(); err != nil {
		return objects.Object{}, err
	}
	return m.store.Head(ctx, key)
}

func (m mortalObjects) Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	if err := m.life.alive(); err != nil {
		return nil, err
	}
	return m.store.Read(ctx, key, offset)
}

func (m mortalObjects) List(ctx context.Context, prefix string) ([]objects.Object, error) {
	if err := m.life.alive(); err != nil {
		return nil, err
	}
	return m.store.List(ctx, prefix)
}

func (m mortalObjects) Link(ctx context.Context, key, name string, valid time.Duration) (string, error) {
	if err := m.life.alive(); err != nil {
		return "", err
	}
	return m.store.Link(ctx, key, name, valid)
}
