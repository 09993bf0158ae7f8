package world

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/local/function"
	"github.com/project-gimbal/fleet/internal/sandbox"
)

// Processes say how functions run as processes. They take the databases that DatabaseURL names and the built-in release, and no
// clock of theirs is off; Hooks.OnCredential isn't told what they read.
type Processes struct {
	// Command is the program, with its arguments, that calls Function.
	Command []string
	// Speed is how many times as fast as the machine's Options.Clock runs.
	Speed float64
	// Environment is added to a process's, for tests.
	Environment []string
}

// Function makes this process the function that its environment names, as Processes.Command. It doesn't return.
func Function() { function.Main(handlers) }

func (w *World) openSandbox() (err error) {
	p := w.options.Processes
	if p == nil {
		return nil
	}
	given := function.Given{Speed: p.Speed, Roots: w.Vendors.Edge.RootPEM(), Vendors: w.identifiers()}
	w.sandbox, err = sandbox.Open(sandbox.Options{Command: func(string) []string { return p.Command }, Speed: p.Speed, Said: w.said,
		Environment: func(string) []string {
			given := given
			given.Settings = w.settings()
			return append(given.Tell(w.options.Clock, w.Endpoints), p.Environment...)
		}})
	return err
}

// Cool ends the processes that have nothing to do. Each was told the time when it started, so that goes with setting the clock forward.
func (w *World) Cool() {
	if w.sandbox != nil {
		w.sandbox.Cool()
	}
}

// inProcess runs an invocation in a process of its own.
func (w *World) inProcess(ctx context.Context, life *life, f catalog.Function, payload json.RawMessage) (json.RawMessage, error) {
	i := &sandbox.Invocation{Function: f.Name, ID: w.nonce(), Payload: payload, Timeout: time.Duration(f.Timeout) * time.Second, Memory: f.Memory}
	life.end = i.Kill
	i.Ports = w.ports(life, w.options.Clock, f).Serve(func(asking context.Context) context.Context { return asked{asking, ctx} })
	answer, err := w.sandbox.Invoke(i)
	life.finish()
	return answer, err
}

// asked is the context of what a process asks for: it is for the invocation, and is over when the process asks no longer.
type asked struct {
	context.Context
	invocation context.Context
}

// Value is the invocation's.
func (a asked) Value(key any) any {
	if v := a.invocation.Value(key); v != nil {
		return v
	}
	return a.Context.Value(key)
}

// said logs a line that a process wrote: one of the function's log, or else of its runtime's.
func (w *World) said(function string, line []byte) {
	var fields map[string]any
	log := w.options.Log.Handler()
	var record struct {
		Level   slog.Level `json:"level"`
		Message string     `json:"msg"`
	}
	if json.Unmarshal(line, &record) != nil || json.Unmarshal(line, &fields) != nil {
		w.options.Log.Info("said", "function", function, "line", string(line))
		return
	}
	r := slog.NewRecord(w.options.Clock.Now(), record.Level, record.Message, 0)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != slog.TimeKey && name != slog.LevelKey && name != slog.MessageKey {
			r.Add(name, fields[name])
		}
	}
	_ = log.Handle(context.Background(), r) // a log that can't be written has nobody to tell
}
