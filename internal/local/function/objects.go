package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
)

// objectAsked is what a store of objects is asked; each question uses what it needs.
type objectAsked struct {
	Key    string
	Body   []byte         `json:",omitempty"`
	Upload string         `json:",omitempty"`
	Number int            `json:",omitempty"`
	Parts  []objects.Part `json:",omitempty"`
	Offset int64          `json:",omitempty"`
	Name   string         `json:",omitempty"`
	Valid  time.Duration  `json:",omitempty"`
}

// serveObjects lets a process use a store.
func serveObjects(mux *http.ServeMux, path string, s objects.Store) {
	does := func(name string, do func(ctx context.Context, a objectAsked) error) {
		mux.HandleFunc("POST "+path+name, answers(func(ctx context.Context, a objectAsked) (none, error) { return none{}, do(ctx, a) }))
	}
	does("/put", func(ctx context.Context, a objectAsked) error { return s.Put(ctx, a.Key, a.Body) })
	does("/put-once", func(ctx context.Context, a objectAsked) error { return s.PutOnce(ctx, a.Key, a.Body) })
	does("/complete", func(ctx context.Context, a objectAsked) error { return s.Complete(ctx, a.Key, a.Upload, a.Parts) })
	does("/abort", func(ctx context.Context, a objectAsked) error { return s.Abort(ctx, a.Key, a.Upload) })
	mux.HandleFunc("POST "+path+"/begin", answers(func(ctx context.Context, a objectAsked) (string, error) { return s.Begin(ctx, a.Key) }))
	mux.HandleFunc("POST "+path+"/part", answers(func(ctx context.Context, a objectAsked) (objects.Part, error) {
		return s.Part(ctx, a.Key, a.Upload, a.Number, a.Body)
	}))
	mux.HandleFunc("POST "+path+"/head", answers(func(ctx context.Context, a objectAsked) (objects.Object, error) { return s.Head(ctx, a.Key) }))
	mux.HandleFunc("POST "+path+"/list", answers(func(ctx context.Context, a objectAsked) ([]objects.Object, error) { return s.List(ctx, a.Key) }))
	mux.HandleFunc("POST "+path+"/link", answers(func(ctx context.Context, a objectAsked) (string, error) { return s.Link(ctx, a.Key, a.Name, a.Valid) }))
	mux.HandleFunc("POST "+path+"/read", func(out http.ResponseWriter, r *http.Request) { readObject(out, r, s) })
}

// readObject answers with an object's bytes. One that breaks off breaks off there, too.
func readObject(out http.ResponseWriter, r *http.Request, s objects.Store) {
	var a objectAsked
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(out, "the question does not decode", http.StatusBadRequest)
		return
	}
	content, err := s.Read(r.Context(), a.Key, a.Offset)
	if err != nil {
		fail(out, err)
		return
	}
	defer func() { _ = content.Close() }() // it was read
	if _, err := io.Copy(out, content); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// remoteObjects is a store of the runner's.
type remoteObjects struct {
	runner runner
	path   string
}

func (o remoteObjects) does(ctx context.Context, name string, a objectAsked) error {
	_, err := ask[objectAsked, none](ctx, o.runner, o.path+name, a)
	return err
}

// Put is objects.Store's.
func (o remoteObjects) Put(ctx context.Context, key string, body []byte) error {
	return o.does(ctx, "/put", objectAsked{Key: key, Body: body})
}

// PutOnce is objects.Store's.
func (o remoteObjects) PutOnce(ctx context.Context, key string, body []byte) error {
	return o.does(ctx, "/put-once", objectAsked{Key: key, Body: body})
}

// Begin is objects.Store's.
func (o remoteObjects) Begin(ctx context.Context, key string) (string, error) {
	return ask[objectAsked, string](ctx, o.runner, o.path+"/begin", objectAsked{Key: key})
}

// Part is objects.Store's.
func (o remoteObjects) Part(ctx context.Context, key, upload string, number int, body []byte) (objects.Part, error) {
	return ask[objectAsked, objects.Part](ctx, o.runner, o.path+"/part", objectAsked{Key: key, Upload: upload, Number: number, Body: body})
}

// Complete is objects.Store's.
func (o remoteObjects) Complete(ctx context.Context, key, upload string, parts []objects.Part) error {
	return o.does(ctx, "/complete", objectAsked{Key: key, Upload: upload, Parts: parts})
}

// Abort is objects.Store's.
func (o remoteObjects) Abort(ctx context.Context, key, upload string) error {
	return o.does(ctx, "/abort", objectAsked{Key: key, Upload: upload})
}

// Head is objects.Store's.
func (o remoteObjects) Head(ctx context.Context, key string) (objects.Object, error) {
	return ask[objectAsked, objects.Object](ctx, o.runner, o.path+"/head", objectAsked{Key: key})
}

// List is objects.Store's.
func (o remoteObjects) List(ctx context.Context, prefix string) ([]objects.Object, error) {
	return ask[objectAsked, []objects.Object](ctx, o.runner, o.path+"/list", objectAsked{Key: prefix})
}

// Link is objects.Store's.
func (o remoteObjects) Link(ctx context.Context, key, name string, valid time.Duration) (string, error) {
	return ask[objectAsked, string](ctx, o.runner, o.path+"/link", objectAsked{Key: key, Name: name, Valid: valid})
}

// Read is objects.Store's.
func (o remoteObjects) Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	question, err := json.Marshal(objectAsked{Key: key, Offset: offset})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.runner.url+o.path+"/read", bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	answer, err := o.runner.transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%s/read: %w", o.path, err)
	}
	if err := failed(answer); err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// scheduleAsked is what the calendar is asked.
type scheduleAsked struct {
	Name string
	At   time.Time
}

func serveCalendar(mux *http.ServeMux, c step.Calendar) {
	mux.HandleFunc("POST /schedule", answers(func(ctx context.Context, s scheduleAsked) (none, error) { return none{}, c.Set(ctx, s.Name, s.At) }))
	mux.HandleFunc("POST /unschedule", answers(func(ctx context.Context, name string) (none, error) { return none{}, c.Delete(ctx, name) }))
}

// remoteCalendar is the runner's.
type remoteCalendar struct{ runner runner }

// Set is step.Calendar's.
func (c remoteCalendar) Set(ctx context.Context, name string, at time.Time) error {
	_, err := ask[scheduleAsked, none](ctx, c.runner, "/schedule", scheduleAsked{name, at})
	return err
}

// Delete is step.Calendar's.
func (c remoteCalendar) Delete(ctx context.Context, name string) error {
	_, err := ask[string, none](ctx, c.runner, "/unschedule", name)
	return err
}
