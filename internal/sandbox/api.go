package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// maxAnswer is the largest answer that Lambda takes, in bytes.
const maxAnswer = 6 << 20

// routes are the runtime API's, below the secret that tells processes apart.
func (h *Host) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*process, http.ResponseWriter, *http.Request){
		"GET /{secret}/2018-06-01/runtime/invocation/next":           h.serveNext,
		"POST /{secret}/2018-06-01/runtime/invocation/{id}/response": h.answered,
		"POST /{secret}/2018-06-01/runtime/invocation/{id}/error":    h.answered,
		"POST /{secret}/2018-06-01/runtime/init/error":               (*process).serveInitError,
		"/{secret}" + PortsPath + "/":                                (*process).servePorts,
	} {
		mux.HandleFunc(pattern, func(out http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			p := h.processes[r.PathValue("secret")]
			h.mu.Unlock()
			if p == nil {
				http.Error(out, "no such process", http.StatusForbidden)
				return
			}
			serve(p, out, r)
		})
	}
	return mux
}

// serveNext lets a process wait, frozen, until there is an invocation for it.
func (h *Host) serveNext(p *process, out http.ResponseWriter, r *http.Request) {
	p.freeze(h.clock.Now())
	select {
	case i := <-p.next:
		header := out.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", i.ID)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:"+i.Function)
		header.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
		_, _ = out.Write(i.Payload) // a process that is gone is noticed by its end
	case <-r.Context().Done():
	}
}

// answered takes what a process says to its invocation.
func (h *Host) answered(p *process, out http.ResponseWriter, r *http.Request) {
	i := p.current()
	if i == nil || i.ID != r.PathValue("id") {
		http.Error(out, "no such invocation", http.StatusBadRequest)
		return
	}
	a := answer{at: h.clock.Now()}
	var large *http.MaxBytesError
	switch text, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxAnswer)); {
	case errors.As(err, &large):
		a.err = messages.InvokeResponse_Error{Type: "Function.ResponseSizeTooLarge", Message: "the answer has more bytes than Lambda takes"}
	case err != nil:
		return // it ended in the middle
	case strings.HasSuffix(r.Pattern, "/error"):
		a.err = failure(text)
	default:
		a.text = text
	}
	select {
	case i.answers <- a:
		out.WriteHeader(http.StatusAccepted)
	default:
		http.Error(out, "it was answered", http.StatusBadRequest)
	}
}

// serveInitError takes why a process can't start.
func (p *process) serveInitError(out http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxAnswer))
	if err != nil {
		return // it ended in the middle
	}
	p.mu.Lock()
	p.failed = failure(text)
	p.mu.Unlock()
	out.WriteHeader(http.StatusAccepted)
}

func failure(text []byte) error {
	var f messages.InvokeResponse_Error
	if json.Unmarshal(text, &f) != nil || f.Type == "" {
		return messages.InvokeResponse_Error{Type: "Runtime.Unknown", Message: "the function failed, and did not say how"}
	}
	return f
}

func (p *process) servePorts(out http.ResponseWriter, r *http.Request) {
	i := p.current()
	if i == nil || i.Ports == nil {
		http.Error(out, "no invocation is under way", http.StatusGone)
		return
	}
	http.StripPrefix("/"+r.PathValue("secret")+PortsPath, i.Ports).ServeHTTP(out, r)
}
