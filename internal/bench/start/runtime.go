package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// startsWithin is how long a function may take before it counts as hung.
const startsWithin = 10 * time.Second

// runtimeAPI is as much of Lambda's runtime API, version 2018-06-01, as a function's start needs: it never has an invocation.
type runtimeAPI struct {
	clock  clock.Clock
	server http.Server
	addr   string
	polled chan time.Time
}

func serve(c clock.Clock) (*runtimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the runtime API: %w", err)
	}
	r := &runtimeAPI{clock: c, addr: l.Addr().String(), polled: make(chan time.Time)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	r.server.Handler = mux
	go func() { _ = r.server.Serve(l) }() // ends when it is closed
	return r, nil
}

func (r *runtimeAPI) close() { _ = r.server.Close() } // nothing is lost

// next notes when a function first asks for an invocation, and lets it wait until its end.
func (r *runtimeAPI) next(_ http.ResponseWriter, in *http.Request) {
	at := r.clock.Now()
	select {
	case r.polled <- at:
		<-in.Context().Done()
	case <-in.Context().Done():
	}
}

// start starts a function, ends it when it has asked for its first invocation, and gives how long that took.
func (r *runtimeAPI) start(ctx context.Context, binary string) (time.Duration, error) {
	ctx, cancel := r.clock.WithTimeout(ctx, startsWithin)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.Command(binary)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + r.addr, "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=fleet-start",
		"AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "LAMBDA_TASK_ROOT=/var/task", "TZ=:UTC"}
	began := r.clock.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", binary, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, or its output says why it ended
		close(ended)
	}()
	var polled time.Time
	var failed error
	select {
	case polled = <-r.polled:
	case <-ended:
		failed = errors.New("it ended before it asked for an invocation")
	case <-ctx.Done():
		failed = errors.New("it asks for no invocation")
	}
	_ = cmd.Process.Kill() // it may have ended
	<-ended
	if failed != nil {
		return 0, fmt.Errorf("%s: %w\n%s", binary, failed, output.String())
	}
	return polled.Sub(began), nil
}
