package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

func open(t *testing.T, change func(*Options)) *Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Command: func(string) []string { return []string{self} }, Speed: 1, Said: func(function string, line []byte) { t.Logf("%s: %s", function, line) }}
	if change != nil {
		change(&o)
	}
	h, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// invocation is one that is within every limit.
func invocation(function string) *Invocation {
	return &Invocation{Function: function, ID: "request-1", Payload: []byte(`"hello"`), Timeout: 20 * time.Second, Memory: 256}
}

// pid is the process that answered.
func pid(t *testing.T, text []byte, err error) int {
	t.Helper()
	words := strings.Fields(string(text))
	if err != nil || len(words) != 5 {
		t.Fatalf("%s, %v", text, err)
	}
	id, err := strconv.Atoi(words[2])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// onLinux is where the kernel tells of processes by /proc.
func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
}

// state is a process's in the kernel's letters; empty if there is none.
func state(id int) string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	_, after, _ := strings.Cut(string(text), ") ")
	state, _, _ := strings.Cut(after, " ")
	return state
}

func TestWarmProcessIsTakenAgain(t *testing.T) {
	onLinux(t)
	var mu sync.Mutex
	var said []string
	h := open(t, func(o *Options) {
		o.Said = func(function string, line []byte) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, function+" "+string(line))
		}
	})
	text, err := h.Invoke(invocation("echo"))
	first := pid(t, text, err)
	for deadline := time.Now().Add(5 * time.Second); state(first) != "T" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	if got := state(first); got != "T" {
		t.Errorf("between invocations it is %q, want it frozen", got)
	}
	text, err = h.Invoke(invocation("echo"))
	if second := pid(t, text, err); second != first {
		t.Errorf("process %d after %d", second, first)
	}
	if err := h.Close(); err != nil || state(first) != "" {
		t.Errorf("closed: %v, and process %d is %q", err, first, state(first))
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(said, ",") != "echo said hello,echo said hello" {
		t.Errorf("it said %q", said)
	}
	if _, err := h.Invoke(invocation("echo")); err == nil {
		t.Error("a closed host still runs something")
	}
}

func TestSeveralAtOnce(t *testing.T) {
	h := open(t, nil)
	waiting := invocation("ask")
	begun, let := make(chan struct{}), make(chan struct{})
	waiting.Ports = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-let })
	waits := make(chan error, 1)
	go func() { _, err := h.Invoke(waiting); waits <- err }()
	<-begun
	other := invocation("wait")
	other.Timeout = 100 * time.Millisecond
	if _, err := h.Invoke(other); errorType(err) != TimedOut {
		t.Errorf("got %v", err)
	}
	if len(waits) > 0 {
		t.Error("the first was over before the second")
	}
	close(let)
	if err := <-waits; err != nil {
		t.Errorf("got %v", err)
	}
}

func errorType(err error) string {
	f, _ := errors.AsType[messages.InvokeResponse_Error](err)
	return f.Type
}

func TestFailures(t *testing.T) {
	h := open(t, nil)
	for _, c := range []struct {
		function, want, says string
		change               func(*Invocation)
	}{
		{"fail", "NotReady", "not yet", nil},
		{"hang", TimedOut, "Task timed out after 0.20 seconds", func(i *Invocation) { i.Timeout = 200 * time.Millisecond }},
		{"wait", TimedOut, "Task timed out after 0.20 seconds", func(i *Invocation) { i.Timeout = 200 * time.Millisecond }}, // its answer comes too late
		{"eat", Exited, "signal: killed", nil},
		{"exit", Exited, "exit status 4", nil},
		{"stillborn", Exited, "exit status 3", nil},
		{"refuses", "Runtime.Odd", "does not like it", nil},
		{"large", "Function.ResponseSizeTooLarge", "more bytes", nil},
	} {
		t.Run(c.function, func(t *testing.T) {
			if c.function == "eat" {
				onLinux(t)
			}
			i := invocation(c.function)
			if c.change != nil {
				c.change(i)
			}
			text, err := h.Invoke(i)
			if errorType(err) != c.want || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestTimeOutsGoByTheirClock(t *testing.T) {
	h := open(t, func(o *Options) { o.Speed = 100 })
	i := invocation("hang")
	began := time.Now()
	if _, err := h.Invoke(i); errorType(err) != TimedOut || !strings.Contains(err.Error(), "20.00 seconds") || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestKill(t *testing.T) {
	h := open(t, nil)
	i := invocation("ask")
	i.Ports = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { i.Kill() })
	if _, err := h.Invoke(i); errorType(err) != Exited {
		t.Errorf("got %v", err)
	}
	i = invocation("echo")
	i.Kill()
	if _, err := h.Invoke(i); errorType(err) != Exited {
		t.Errorf("killed before it began: %v", err)
	}
	text, err := h.Invoke(invocation("echo"))
	warm := pid(t, text, err)
	polled(t, h, "echo")
	if p, err := os.FindProcess(warm); err != nil || p.Kill() != nil {
		t.Fatal(err)
	}
	<-h.warm["echo"][0].ended
	text, err = h.Invoke(invocation("echo"))
	if next := pid(t, text, err); next == warm {
		t.Error("the dead answered")
	}
}

// polled waits until the warm process of a function has asked for its next invocation.
func polled(t *testing.T, h *Host, function string) {
	t.Helper()
	h.mu.Lock()
	p := h.warm[function][0]
	h.mu.Unlock()
	for deadline := time.Now().Add(10 * time.Second); len(p.polls) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it asks for nothing")
		}
	}
}

// TestCool: what was kept warm is gone, and another process takes the next invocation.
func TestCool(t *testing.T) {
	h := open(t, nil)
	text, err := h.Invoke(invocation("echo"))
	warm := pid(t, text, err)
	h.Cool()
	if len(h.warm) > 0 || state(warm) != "" {
		t.Errorf("%d functions are warm, and process %d is %q", len(h.warm), warm, state(warm))
	}
	text, err = h.Invoke(invocation("echo"))
	if next := pid(t, text, err); next == warm {
		t.Error("the dead answered")
	}
}

// TestKillComesLate: one that comes when the invocation is over doesn't end the process, which may have the next one.
func TestKillComesLate(t *testing.T) {
	h := open(t, nil)
	i := invocation("echo")
	text, err := h.Invoke(i)
	first := pid(t, text, err)
	i.Kill()
	text, err = h.Invoke(invocation("echo"))
	if next := pid(t, text, err); next != first {
		t.Errorf("process %d after %d", next, first)
	}
}

// TestNobodyTakesTheInvocation: a process that asked for one and is there no longer has its time, and no more.
func TestNobodyTakesTheInvocation(t *testing.T) {
	h := open(t, nil)
	text, err := h.Invoke(invocation("hangs-up"))
	pid(t, text, err)
	polled(t, h, "hangs-up")
	time.Sleep(200 * time.Millisecond) // then the runtime API knows, too
	i := invocation("hangs-up")
	i.Timeout = 300 * time.Millisecond
	began := time.Now()
	if _, err := h.Invoke(i); errorType(err) != TimedOut || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// TestGivesUp: a process that asks for no invocation is ended; where it is a warm one, another is taken.
func TestGivesUp(t *testing.T) {
	h := open(t, func(o *Options) { o.StartsWithin = time.Second })
	if _, err := h.Invoke(invocation("mute")); errorType(err) != TimedOut || !strings.Contains(err.Error(), "within 1s") {
		t.Errorf("got %v", err)
	}
	if _, err := h.Start("mute", 256); errorType(err) != TimedOut {
		t.Errorf("got %v", err)
	}
	text, err := h.Invoke(invocation("mute-later"))
	first := pid(t, text, err)
	text, err = h.Invoke(invocation("mute-later"))
	if next := pid(t, text, err); next == first || state(first) != "" {
		t.Errorf("process %d after %d, which is %q", next, first, state(first))
	}
}

// TestCloseWaitsForNoChild: a process may leave one that holds its output.
func TestCloseWaitsForNoChild(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	h := open(t, func(o *Options) {
		o.Environment = func(string) []string { return []string{"CHILD=" + file, "PATH=" + os.Getenv("PATH")} }
	})
	if _, err := h.Invoke(invocation("parent")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(child, syscall.SIGKILL) }()
	began := time.Now()
	if err := h.Close(); err != nil || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestPorts(t *testing.T) {
	h := open(t, nil)
	i := invocation("ask")
	i.Ports = http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(out, "answer to "+r.URL.Path) })
	if text, err := h.Invoke(i); err != nil || string(text) != `"200 answer to /question"` {
		t.Errorf("got %s, %v", text, err)
	}
	for _, path := range []string{"/" + "none" + PortsPath + "/question", "/none/2018-06-01/runtime/invocation/next"} {
		answer, err := http.Get("http://" + h.address + path)
		if err != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: a stranger got %v, %v", path, answer, err)
		}
	}
}

// TestNothingIsInherited: what the runner's environment holds is none of a function's business.
func TestNothingIsInherited(t *testing.T) {
	t.Setenv("SECRET", "planted")
	h := open(t, func(o *Options) {
		o.Environment = func(function string) []string { return []string{"GIVEN=" + function} }
	})
	text, err := h.Invoke(invocation("environment"))
	if err != nil || strings.Contains(string(text), "planted") || !strings.Contains(string(text), "GIVEN=environment") ||
		!strings.Contains(string(text), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256") {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestStart(t *testing.T) {
	h := open(t, nil)
	began := time.Now()
	if took, err := h.Start("echo", 256); err != nil || took <= 0 || took > time.Since(began) {
		t.Errorf("%s, %v", took, err)
	}
	if _, err := h.Start("stillborn", 256); errorType(err) != Exited {
		t.Errorf("got %v", err)
	}
	if len(h.warm) > 0 {
		t.Error("what was started to be measured is kept")
	}
}

func TestNoProgram(t *testing.T) {
	h := open(t, func(o *Options) {
		o.Command = func(function string) []string { return []string{filepath.Join(t.TempDir(), function)} }
	})
	if _, err := h.Invoke(invocation("echo")); errorType(err) != Unstarted {
		t.Errorf("got %v", err)
	}
}
