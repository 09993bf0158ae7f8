package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// logbook keeps the log in memory, as JSON lines: CloudWatch's place where the log is in no file. The oldest lines go when there
// is more than it holds.
type logbook struct {
	mu    sync.Mutex
	lines [][]byte
	size  int
}

// mostKept is how much a logbook holds, in bytes.
const mostKept = 16 << 20

// Write takes one line: what slog's handlers write at once.
func (b *logbook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines, b.size = append(b.lines, bytes.Clone(line)), b.size+len(line)
	for b.size > mostKept {
		b.size -= len(b.lines[0])
		b.lines = b.lines[1:]
	}
	return len(line), nil
}

func (b *logbook) open() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return io.NopCloser(bytes.NewReader(bytes.Join(b.lines, nil))), nil
}

// find gives the lines that name the instance. It is CloudWatch Logs Insights.
func (w *World) find(ctx context.Context, q step.LogQuery) (found []view.LogLine, err error) {
	if !fleet.IsInstanceID(q.InstanceID) {
		return nil, fault.New(fault.Internal, "no instance's id to query the logs for")
	}
	from, err := w.options.ReadLog()
	if err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "the log can't be read", Err: err}
	}
	defer func() { _ = from.Close() }() // it was only read
	lines := bufio.NewReader(from)
	for ctx.Err() == nil && len(found) < q.Limit {
		text, err := lines.ReadString('\n')
		var line struct {
			Time time.Time `json:"time"`
		}
		text = strings.TrimSuffix(text, "\n")
		if strings.Contains(text, q.InstanceID) && json.Unmarshal([]byte(text), &line) == nil && !line.Time.Before(q.From) {
			found = append(found, view.LogLine{At: line.Time, Source: step.LogSource(text), Text: text})
		}
		if err != nil {
			break // at its end; a line that is just being written comes the next time
		}
	}
	return found, ctx.Err()
}

// stamped gives the log's lines the fleet's time, which is another than the machine's where it runs faster.
type stamped struct {
	slog.Handler
	clock clock.Clock
}

func (s stamped) Handle(ctx context.Context, r slog.Record) error {
	r.Time = s.clock.Now()
	return s.Handler.Handle(ctx, r)
}

func (s stamped) WithAttrs(attributes []slog.Attr) slog.Handler {
	return stamped{s.Handler.WithAttrs(attributes), s.clock}
}

func (s stamped) WithGroup(name string) slog.Handler {
	return stamped{s.Handler.WithGroup(name), s.clock}
}

// observe logs every event of an execution, without its data, as Step Functions does.
func (w *World) observe(o asl.Observation) {
	attributes := []any{"workflow", o.Machine, "execution", o.Execution, "event", o.Event.ID}
	if o.Visit.State != "" {
		attributes = append(attributes, "state", o.Visit.State)
	}
	w.options.Log.Info(string(o.Event.Type), attributes...)
	if w.options.Hooks.OnEvent != nil {
		w.options.Hooks.OnEvent(o)
	}
}
