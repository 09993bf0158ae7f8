// Package sandbox is AWS Lambda on one machine: it runs functions as processes behind Lambda's runtime API, version 2018-06-01. A
// process is frozen between its invocations and taken again for the next one; several invocations at once get a process each.
// One that takes longer than its function may, or holds more memory, is ended by SIGKILL.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/uuid"

	"github.com/project-gimbal/fleet/internal/clock"
)

// startsWithin is how long a process may take until it asks for an invocation, as on Lambda.
const startsWithin = 10 * time.Second

// keptWarm is how many processes of a function are kept for later invocations, at most.
const keptWarm = 4

// Types of the errors with which Lambda answers for a process.
const (
	TimedOut  = "Sandbox.Timedout"
	Exited    = "Runtime.ExitError"
	Unstarted = "Runtime.InvalidEntrypoint"
)

// PortsPath is where Invocation.Ports answer a process, below the address of its runtime API.
const PortsPath = "/ports"

// Options say what processes are made of.
type Options struct {
	// Command is the program that a function is, with its arguments.
	Command func(function string) []string
	// Environment is what a process gets beyond what Lambda sets itself, as "NAME=value"; nil for nothing. It inherits nothing.
	Environment func(function string) []string
	// Speed is how many times as fast as the machine's the time runs in which time-outs are meant.
	Speed float64
	// StartsWithin is how long a process may take until it asks for an invocation, in the machine's time; 0 is as on Lambda, 10 s.
	StartsWithin time.Duration
	// Said learns of each line that a process writes, and of each that is ended for its memory.
	Said func(function string, line []byte)
}

// Host runs processes.
type Host struct {
	options Options
	clock   clock.Clock // the machine's
	server  http.Server
	address string

	mu        sync.Mutex
	processes map[string]*process   // by the secret part of their addresses
	warm      map[string][]*process // by function: those that have no invocation
	closed    bool
}

// Open begins to listen for processes on a port of loopback. The caller must call Close.
func Open(o Options) (*Host, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the runtime API: %w", err)
	}
	o.StartsWithin = cmp.Or(o.StartsWithin, startsWithin)
	h := &Host{options: o, clock: clock.System(), address: l.Addr().String(), processes: map[string]*process{}, warm: map[string][]*process{}}
	h.server.Handler, h.server.ReadHeaderTimeout = h.routes(), startsWithin
	go func() { _ = h.server.Serve(l) }() // ends with Close
	return h, nil
}

// Close ends every process, and returns when they are gone.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	var all []*process
	for _, p := range h.processes {
		all = append(all, p)
	}
	h.mu.Unlock()
	for _, p := range all {
		p.kill()
	}
	for _, p := range all {
		<-p.ended
	}
	return h.server.Close()
}

// Invoke runs one invocation to its end. Its error is a messages.InvokeResponse_Error by value: what the function answered, or what
// Lambda answers for one whose process is gone. Nothing but Kill and Close cuts it short.
func (h *Host) Invoke(i *Invocation) ([]byte, error) {
	i.answers = make(chan answer, 1)
	for {
		p, fresh, err := h.take(i)
		if err != nil {
			return nil, err
		}
		answer, begun, err := h.run(p, i)
		if begun || fresh || i.gone() {
			return answer, err
		}
		// It ended while it was warm: Lambda takes another.
	}
}

// Start starts a process of a function with so many MB, ends it when it asks for its first invocation, and gives how long that took.
func (h *Host) Start(function string, memory int) (time.Duration, error) {
	began := h.clock.Now()
	p, err := h.fresh(&Invocation{Function: function, Memory: memory})
	if err != nil {
		return 0, err
	}
	err = h.ready(p)
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polled.Sub(began), err
}

// run gives an invocation to a process once that asks for one; begun tells whether it came to that.
func (h *Host) run(p *process, i *Invocation) (answer []byte, begun bool, err error) {
	defer p.watch(i.Memory)()
	i.given(p)
	if err := h.ready(p); err != nil {
		return nil, false, err
	}
	answer, err = h.await(p, i)
	return answer, true, err
}

// ready waits until a process asks for an invocation. One that doesn't is ended.
func (h *Host) ready(p *process) error {
	start, cancel := h.clock.WithTimeout(context.Background(), h.options.StartsWithin)
	defer cancel()
	select {
	case <-p.polls:
		select {
		case <-p.ended: // since it asked
			return p.exit()
		default:
			return nil
		}
	case <-p.ended:
		return p.exit()
	case <-start.Done():
		p.end()
		return messages.InvokeResponse_Error{Type: TimedOut, Message: fmt.Sprintf("the process did not ask for an invocation within %s", h.options.StartsWithin)}
	}
}

// await hands an invocation to a process that waits for one, and waits for the answer.
func (h *Host) await(p *process, i *Invocation) ([]byte, error) {
	lasts := time.Duration(float64(i.Timeout) / h.options.Speed)
	// Lambda's header has whole milliseconds. That is the deadline: an answer that the process gives because of it comes too late.
	i.deadline = h.clock.Now().Add(lasts).Truncate(time.Millisecond)
	timer, cancel := h.clock.WithTimeout(context.Background(), lasts)
	defer cancel()
	p.begin(i, timer.Done())
	select {
	case a := <-i.answers:
		if a.at.Before(i.deadline) {
			if i.parted() {
				h.rest(p)
			}
			return a.text, a.err
		}
	case <-p.ended:
		return nil, p.exit()
	case <-timer.Done():
	}
	p.end()
	return nil, messages.InvokeResponse_Error{Type: TimedOut, Message: fmt.Sprintf("Task timed out after %.2f seconds", i.Timeout.Seconds())}
}

// take gives a process of the function: one that is warm, or else a fresh one, which isn't up yet.
func (h *Host) take(i *Invocation) (p *process, fresh bool, err error) {
	h.mu.Lock()
	if all := h.warm[i.Function]; len(all) > 0 && !h.closed {
		h.warm[i.Function] = all[:len(all)-1]
		p = all[len(all)-1]
	}
	h.mu.Unlock()
	if p != nil {
		return p, false, nil
	}
	p, err = h.fresh(i)
	return p, true, err
}

// fresh starts a process.
func (h *Host) fresh(i *Invocation) (*process, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, messages.InvokeResponse_Error{Type: Exited, Message: "the host is closed"}
	}
	secret := uuid.NewString()
	p, err := h.start(i, secret)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Type: Unstarted, Message: err.Error()}
	}
	h.processes[secret] = p
	go func() {
		<-p.ended
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.processes, secret)
	}()
	return p, nil
}

// rest puts a process among those that have no invocation, unless enough are there.
func (h *Host) rest(p *process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.warm[p.function]) == keptWarm {
		p.kill()
		return
	}
	h.warm[p.function] = append(h.warm[p.function], p)
}

// Cool ends the processes that have no invocation, as Lambda does with those that nothing was asked of for long.
func (h *Host) Cool() {
	h.mu.Lock()
	warm := h.warm
	h.warm = map[string][]*process{}
	h.mu.Unlock()
	for _, all := range warm {
		for _, p := range all {
			p.end()
		}
	}
}

func (h *Host) start(i *Invocation, secret string) (*process, error) {
	var more []string
	if h.options.Environment != nil {
		more = h.options.Environment(i.Function)
	}
	return start(h.options, i.Function, append(more,
		"AWS_LAMBDA_RUNTIME_API="+h.address+"/"+secret, "AWS_LAMBDA_FUNCTION_NAME="+i.Function, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(i.Memory), "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_REGION=us-east-1", "LAMBDA_TASK_ROOT=/var/task", "TZ=:UTC"))
}
