package main

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Usage is what invocations of a function used, in all.
type Usage struct {
	Invocations  float64 `json:"invocations"`
	Milliseconds float64 `json:"billedMilliseconds"` // without cold starts
	ReadUnits    float64 `json:"readUnits"`
	WriteUnits   float64 `json:"writeUnits"`
	KeyCalls     float64 `json:"kmsRequests"`
	SecretCalls  float64 `json:"secretsRequests"`
	ObjectReads  float64 `json:"s3Reads"`
	LogBytes     float64 `json:"logBytes"` // without Lambda's own
}

func (u Usage) plus(v Usage) Usage {
	return Usage{u.Invocations + v.Invocations, u.Milliseconds + v.Milliseconds, u.ReadUnits + v.ReadUnits, u.WriteUnits + v.WriteUnits,
		u.KeyCalls + v.KeyCalls, u.SecretCalls + v.SecretCalls, u.ObjectReads + v.ObjectReads, u.LogBytes + v.LogBytes}
}

func (u Usage) times(f float64) Usage {
	return Usage{u.Invocations * f, u.Milliseconds * f, u.ReadUnits * f, u.WriteUnits * f, u.KeyCalls * f, u.SecretCalls * f, u.ObjectReads * f,
		u.LogBytes * f}
}

// meter adds up what functions use. It is safe for concurrent use.
type meter struct {
	mu     sync.Mutex
	usage  map[string]Usage // by function
	stored map[string]map[table.Key]int
	events atomic.Int64 // of executions' histories
}

func newMeter() *meter {
	return &meter{usage: map[string]Usage{}, stored: map[string]map[table.Key]int{}}
}

func (m *meter) add(function string, u Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage[function] = m.usage[function].plus(u)
}

// take gives what was used since the last time.
func (m *meter) take() map[string]Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := maps.Clone(m.usage)
	clear(m.usage)
	return taken
}

// keep notes what an item takes of a table's storage; 0 for one that is gone.
func (m *meter) keep(name string, key table.Key, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored[name] == nil {
		m.stored[name] = map[table.Key]int{}
	}
	m.stored[name][key] = bytes
}

// bytes is what all tables hold.
func (m *meter) bytes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := 0
	for _, items := range m.stored {
		for _, n := range items {
			sum += n
		}
	}
	return sum
}

// handler is a slog.Handler that measures instead of writing: how long a line is, and from step.Invoke's last one how long the
// invocation took.
type handler struct {
	meter    *meter
	function string
	attrs    []slog.Attr
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "function" {
			h.function = a.Value.String()
		}
	}
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup is as if there were no groups: Fleet's functions log none.
func (h handler) WithGroup(string) slog.Handler { return h }

// Handle measures a line.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if h.function == "" { // the world's own, such as an execution's events, which the meter counts by themselves
		return nil
	}
	var line bytes.Buffer
	if err := slog.NewJSONHandler(&line, nil).WithAttrs(h.attrs).Handle(ctx, r); err != nil {
		return err
	}
	u := Usage{LogBytes: float64(line.Len())}
	if r.Message == "done" || r.Message == "failed" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "took" && a.Value.Kind() == slog.KindDuration {
				u.Invocations, u.Milliseconds = 1, float64(billed(max(a.Value.Duration(), time.Nanosecond)))
			}
			return true
		})
	}
	h.meter.add(h.function, u)
	return nil
}
