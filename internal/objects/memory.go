package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Memory is a Store in memory, for tests. The zero value is empty. Its links are made of key, name and validity, and nobody serves them.
type Memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]map[int][]byte // by key and upload
	begun   int
}

var _ Store = (*Memory)(nil)

// Put implements Store.
func (m *Memory) Put(_ context.Context, key string, body []byte) error {
	return m.put(key, body, false)
}

// PutOnce implements Store.
func (m *Memory) PutOnce(_ context.Context, key string, body []byte) error {
	return m.put(key, body, true)
}

func (m *Memory) put(key string, body []byte, once bool) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there && once {
		return ErrExists
	}
	m.set(key, bytes.Clone(body))
	return nil
}

func (m *Memory) set(key string, body []byte) {
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key] = body
}

// Begin implements Store.
func (m *Memory) Begin(_ context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uploads == nil {
		m.uploads = map[string]map[int][]byte{}
	}
	m.begun++
	upload := strconv.Itoa(m.begun)
	m.uploads[key+" "+upload] = map[int][]byte{}
	return upload, nil
}

func tagOf(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}

// Part implements Store.
func (m *Memory) Part(_ context.Context, key, upload string, number int, body []byte) (Part, error) {
	if number < 1 || number > MaxParts {
		return Part{}, fault.New(fault.Internal, "there is no part %d", number)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	parts := m.uploads[key+" "+upload]
	if parts == nil {
		return Part{}, fs.ErrNotExist
	}
	parts[number] = bytes.Clone(body)
	return Part{number, tagOf(body)}, nil
}

// Complete implements Store.
func (m *Memory) Complete(_ context.Context, key, upload string, parts []Part) error {
	if err := checkOrder(parts); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	written := m.uploads[key+" "+upload]
	if written == nil {
		if _, there := m.objects[key]; !there {
			return fs.ErrNotExist
		}
		return nil // by an earlier try of this very call
	}
	var whole []byte
	for i, p := range parts {
		content, there := written[p.Number]
		if err := checkPart(p, content, there, i == len(parts)-1); err != nil {
			return err
		}
		whole = append(whole, content...)
	}
	m.set(key, whole)
	delete(m.uploads, key+" "+upload)
	return nil
}

func checkOrder(parts []Part) error {
	if len(parts) == 0 || !slices.IsSortedFunc(parts, func(a, b Part) int { return a.Number - b.Number }) {
		return fault.New(fault.Internal, "an upload's parts must be there, in the order of their numbers")
	}
	return nil
}

// checkPart refuses what S3 refuses.
func checkPart(p Part, content []byte, written, last bool) error {
	switch {
	case !written:
		return fault.New(fault.Internal, "part %d was not written", p.Number)
	case tagOf(content) != p.Tag:
		return fault.New(fault.Internal, "part %d is another one than was written", p.Number)
	case len(content) < MinPart && !last:
		return fault.New(fault.Internal, "part %d is smaller than %d bytes and not the last", p.Number, MinPart)
	}
	return nil
}

// Abort implements Store.
func (m *Memory) Abort(_ context.Context, key, upload string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.uploads, key+" "+upload)
	return nil
}

// Head implements Store.
func (m *Memory) Head(_ context.Context, key string) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	body, there := m.objects[key]
	if !there {
		return Object{}, fs.ErrNotExist
	}
	return Object{key, int64(len(body)), tagOf(body)}, nil
}

// Read implements Store.
func (m *Memory) Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	o, err := m.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > o.Size {
		return nil, fault.New(fault.Internal, "an object of %d bytes has nothing at %d", o.Size, offset)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return io.NopCloser(bytes.NewReader(m.objects[key][offset:])), nil
}

// List implements Store.
func (m *Memory) List(_ context.Context, prefix string) (all []Object, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(key, prefix) {
			all = append(all, Object{Key: key, Size: int64(len(m.objects[key]))})
		}
	}
	return all, nil
}

// Link implements Store.
func (m *Memory) Link(ctx context.Context, key, name string, valid time.Duration) (string, error) {
	_, err := m.Head(ctx, key)
	return "https://objects.test/" + key + "?name=" + name + "&valid=" + valid.String(), err
}
