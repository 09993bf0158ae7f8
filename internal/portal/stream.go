package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
)

// The limits of streams, in the machine's time.
const (
	streamsAtOnce = 32
	streamPause   = 100 * time.Millisecond // between two messages
	streamTick    = time.Second            // the times that a page shows go on
	streamWrite   = 10 * time.Second       // for a browser that doesn't read
	streamAgain   = time.Second            // after which a browser comes back whose stream broke
)

// streamed is a message of a stream: how an execution stands, those of its states that stand otherwise than was
// told before, and the ways that it has taken since.
type streamed struct {
	Status asl.Status `json:"status"`
	States []told     `json:"states"`
	Ways   []way      `json:"ways"`
}

// way leads from one state to the next. Caught says that an error took it.
type way struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Caught bool   `json:"caught"`
}

// toldBefore is what a browser was told.
type toldBefore struct {
	states map[string]told
	ways   map[[2]string]bool // those taken, from and to: whether by an error
}

type told struct {
	Name string `json:"name"`
	Tone string `json:"tone"`
	Says string `json:"says"`
}

// stream tells a browser how the states of an execution stand, by server-sent events, until the execution has ended, the operator
// has signed out, or the browser or the server is gone. The last event is "over".
// Whoever comes back after a break is told anew how everything stands, and so misses nothing.
func (p *Portal) stream(w http.ResponseWriter, r *http.Request, o visitor) error {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "Too many pages are followed at once.", http.StatusServiceUnavailable)
		return nil
	}
	x, err := p.find(r)
	if err != nil {
		return err
	}
	changed, done := p.options.Feed.watch(x.ARN)
	defer done()
	w.Header().Set("Content-Type", "text/event-stream")
	if _, err := fmt.Fprintf(w, "retry: %d\n\n", streamAgain.Milliseconds()); err != nil {
		return nil // nobody is there any more
	}
	before := toldBefore{map[string]told{}, map[[2]string]bool{}}
	for p.sessions.holds(o.session) {
		over, err := p.tell(w, r, before)
		if over || err != nil {
			return nil // the answer has begun, so it can only end
		}
		_ = clock.System().Sleep(r.Context(), streamPause) // ctx's end is seen below
		tick, cancel := clock.System().WithTimeout(r.Context(), streamTick)
		select {
		case <-changed:
		case <-tick.Done():
		}
		cancel()
		if r.Context().Err() != nil {
			return nil
		}
	}
	return nil
}

// news are the ways that were taken since, or otherwise than was told last.
func (b toldBefore) news(lines []line) (all []way) {
	for _, l := range lines {
		at := [2]string{l.From, l.To}
		if caught, known := b.ways[at]; l.Taken && (!known || caught != l.Caught) {
			b.ways[at] = l.Caught
			all = append(all, way{l.From, l.To, l.Caught})
		}
	}
	return all
}

// tell sends what is new, and reports whether the execution is over.
func (p *Portal) tell(w http.ResponseWriter, r *http.Request, before toldBefore) (over bool, err error) {
	x, err := p.find(r)
	if err != nil {
		return false, err
	}
	d, err := p.draw(x)
	if err != nil {
		return false, err
	}
	message := streamed{Status: x.Status, States: []told{}, Ways: append([]way{}, before.news(d.lines(p.diagrams[x.Machine].Edges))...)}
	for _, b := range p.diagrams[x.Machine].Boxes {
		c := d.cell(b.State.Name)
		if now := told(c); before.states[c.Name] != now {
			before.states[c.Name] = now
			message.States = append(message.States, now)
		}
	}
	text, err := json.Marshal(message)
	if err != nil {
		return false, err
	}
	event := fmt.Sprintf("event: states\ndata: %s\n\n", text)
	if over = x.Status != asl.Running; over {
		event += "event: over\ndata: {}\n\n"
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(clock.System().Now().Add(streamWrite)); err != nil {
		return over, err
	}
	if _, err := w.Write([]byte(event)); err != nil {
		return over, err
	}
	return over, control.Flush()
}
