package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// refusal is an error on its way, as far as a function tells errors apart.
type refusal struct {
	Text     string
	Sentinel string         `json:",omitempty"` // its name among sentinels
	Reasons  []table.Reason `json:",omitempty"` // of a *table.ConditionError
	Fault    *fault.Error   `json:",omitempty"`
	Errno    syscall.Errno  `json:",omitempty"`
	NoHost   string         `json:",omitempty"` // the name that is none of a host
}

var sentinels = map[string]error{"not found": table.ErrNotFound, "limit": table.ErrLimit, "outcome unknown": table.ErrOutcomeUnknown,
	"deadline exceeded": context.DeadlineExceeded, "canceled": context.Canceled, "no object": fs.ErrNotExist, "object exists": objects.ErrExists}

// refused is err on its way; nil for none.
func refused(err error) *refusal {
	if err == nil {
		return nil
	}
	r := &refusal{Text: err.Error()}
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			r.Sentinel = name
		}
	}
	if condition, ok := errors.AsType[*table.ConditionError](err); ok {
		r.Reasons = condition.Reasons
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		kept := *f
		kept.Err = nil
		r.Fault = &kept
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		r.Errno = errno
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok && unresolved.IsNotFound {
		r.NoHost = unresolved.Name
	}
	return r
}

// err is the error again; nil for none.
func (r *refusal) err() error {
	switch {
	case r == nil:
		return nil
	case r.Reasons != nil:
		return &table.ConditionError{Reasons: r.Reasons}
	case r.Fault != nil:
		return r.Fault
	case r.NoHost != "":
		return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.NoHost, IsNotFound: true}}
	case r.Errno != 0:
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", r.Errno)}
	case r.Sentinel != "":
		return fmt.Errorf("%s: %w", r.Text, sentinels[r.Sentinel])
	}
	return errors.New(r.Text)
}

// said is an answer on its way.
type said[Out any] struct {
	Answer  Out
	Refused *refusal `json:",omitempty"`
}

// answers lets a port answer what is asked by ask.
func answers[In, Out any](port func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(out, "the question does not decode", http.StatusBadRequest)
			return
		}
		answer, err := port(r.Context(), in)
		_ = json.NewEncoder(out).Encode(said[Out]{answer, refused(err)}) // a process that is gone reads nothing
	}
}

// ask asks the runner's port of a name.
func ask[In, Out any](ctx context.Context, r runner, port string, in In) (Out, error) {
	var answer said[Out]
	question, err := json.Marshal(in)
	if err != nil {
		return answer.Answer, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+port, bytes.NewReader(question))
	if err != nil {
		return answer.Answer, err
	}
	response, err := r.transport.RoundTrip(request)
	if err != nil {
		return answer.Answer, fmt.Errorf("%s: %w", port, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return answer.Answer, fmt.Errorf("%s: %w", port, err)
	}
	return answer.Answer, answer.Refused.err()
}
