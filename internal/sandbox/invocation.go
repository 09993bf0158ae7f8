package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// Invocation is one of a function.
type Invocation struct {
	Function, ID string
	Payload      []byte
	Timeout      time.Duration // in the time that Options.Speed is about
	Memory       int           // in MB
	// Ports answer what the process asks below PortsPath during the invocation.
	Ports http.Handler

	deadline time.Time // in the machine's time, set before the process has the invocation
	answers  chan answer

	mu      sync.Mutex
	process *process
	killed  bool
}

// answer is what a process says to its invocation.
type answer struct {
	text []byte
	err  error
	at   time.Time
}

// Kill ends the invocation's process by SIGKILL, now or as soon as it has one.
func (i *Invocation) Kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.killed = true
	if i.process != nil {
		i.process.kill()
	}
}

// given notes which process has the invocation.
func (i *Invocation) given(p *process) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.process = p; i.killed {
		p.kill()
	}
}

// parted notes that the process has it no longer, unless that is being killed for it.
func (i *Invocation) parted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.process = nil
	return !i.killed
}

func (i *Invocation) gone() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.killed
}
