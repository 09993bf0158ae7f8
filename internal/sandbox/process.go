package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/clock"
)

// drainsWithin is how long the output of a process that is gone is still read, where another that it started holds it.
const drainsWithin = time.Second

// weighEvery is how often a process's memory is looked at while it works.
const weighEvery = 20 * time.Millisecond

// process is one that runs a function.
type process struct {
	function string
	said     func(function string, line []byte)
	cmd      *exec.Cmd
	polls    chan struct{}    // holds one while the process asks for an invocation
	next     chan *Invocation // answers that
	ended    chan struct{}    // closed when the process is gone

	mu     sync.Mutex
	polled time.Time   // when it asked for its first invocation
	now    *Invocation // nil while it is frozen
	failed error       // what it said of its start
}

// start starts a process. It has a group of its own, so that a terminal's Ctrl-C is no business of its; and when this process is
// gone, however that ended, the kernel wakes a frozen one, and its next word to the runtime API fails: it ends by itself.
func start(o Options, function string, environment []string) (*process, error) {
	command := o.Command(function)
	p := &process{function: function, said: o.Said, cmd: exec.Command(command[0], command[1:]...),
		polls: make(chan struct{}, 1), next: make(chan *Invocation), ended: make(chan struct{})}
	out := &lines{say: func(line []byte) { o.Said(function, line) }}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environment, out, out
	p.cmd.SysProcAttr, p.cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, drainsWithin
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", function, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its state
		close(p.ended)
	}()
	return p, nil
}

// signal sends a signal; one to a process that is gone does nothing.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) kill() { p.signal(syscall.SIGKILL) }

// end ends the process, and returns when it is gone.
func (p *process) end() {
	p.kill()
	<-p.ended
}

// exit is what Lambda says of a process that is gone.
func (p *process) exit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	return messages.InvokeResponse_Error{Type: Exited, Message: "Runtime exited with error: " + p.cmd.ProcessState.String()}
}

// begin thaws a process that asked for an invocation, and gives it one; one that hung up doesn't take it within the invocation's time.
func (p *process) begin(i *Invocation, over <-chan struct{}) {
	p.mu.Lock()
	p.now = i
	p.mu.Unlock()
	p.signal(syscall.SIGCONT)
	select {
	case p.next <- i:
	case <-p.ended:
	case <-over:
	}
}

// freeze stops a process that asks for an invocation, at the given instant.
func (p *process) freeze(at time.Time) {
	p.mu.Lock()
	p.now = nil
	if p.polled.IsZero() {
		p.polled = at
	}
	p.mu.Unlock()
	p.signal(syscall.SIGSTOP)
	select {
	case p.polls <- struct{}{}:
	default: // it asks again, and nothing was answered yet
	}
}

func (p *process) current() *Invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// watch ends the process when it holds more than limit MB, until it is told to stop. A limit on its address space would not do: Go
// reserves far more than it uses. Where there is no /proc, nothing is watched.
func (p *process) watch(limit int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for clock.System().Sleep(ctx, weighEvery) == nil {
			if held := resident(p.cmd.Process.Pid); held > limit<<20 && ctx.Err() == nil {
				p.kill()
				p.said(p.function, fmt.Appendf(nil, "killed: it held %d MB of memory, and may hold %d", held>>20, limit))
				return
			}
		}
	}()
	return cancel
}

// resident is how many bytes of memory a process holds; 0 where that can't be told.
func resident(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(fields[1])) // the kernel writes numbers
	return pages * os.Getpagesize()
}

// lines takes what a process writes, line by line.
type lines struct {
	say  func([]byte)
	rest []byte
}

// Write is called by one goroutine: the process's output and its complaints come by one pipe.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.say(line)
		l.rest = rest
	}
}
