package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/sim"
)

// callbook keeps the newest calls of vendors that states made, as JSON lines, over restarts. It is safe for concurrent use.
type callbook struct {
	path string
	keep int
	tell func(arn, state string, c portal.Call)

	mu    sync.Mutex
	file  *os.File
	lines int // in the file
	due   int // how many of them it is shortened at
}

// keptCall is a line. The call's path stays out: there may be a person's address in it.
type keptCall struct {
	ARN   string      `json:"arn"`
	State string      `json:"state"`
	Call  portal.Call `json:"call"`
}

// openCallbook tells of the calls that are in the file, the newest of them, and will tell of each that comes.
func openCallbook(path string, keep int, tell func(arn, state string, c portal.Call)) (*callbook, error) {
	b := &callbook{path: path, keep: keep, tell: tell}
	kept, err := b.shorten()
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		tell(k.ARN, k.State, k.Call)
	}
	return b, nil
}

// called takes in a call of a vendor. One that can't be kept is shown until the process ends.
func (b *callbook) called(at asl.Place, c sim.Call) {
	if at.ARN == "" {
		return // no state made it
	}
	k := keptCall{at.ARN, at.State, portal.Call{Vendor: c.Vendor, Operation: c.Operation, Start: c.Start, End: c.End, Status: c.Status,
		Fault: string(c.Fault), Attempt: at.Attempt + 1}}
	b.tell(k.ARN, k.State, k.Call)
	line, err := json.Marshal(k)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.file.Write(append(line, '\n')); err != nil {
		return
	}
	if b.lines++; b.lines < b.due {
		return
	}
	if _, err := b.shorten(); err != nil { // the file grows, and isn't read at every call
		b.due = b.lines + b.keep
	}
}

// shorten leaves the newest calls in the file, and opens it to add others. b.mu is held, or nobody else has b.
func (b *callbook) shorten() ([]keptCall, error) {
	kept, err := readCalls(b.path)
	if err != nil {
		return nil, err
	}
	kept = slices.Clone(kept[max(0, len(kept)-b.keep):])
	var text bytes.Buffer
	for _, k := range kept {
		if err := json.NewEncoder(&text).Encode(k); err != nil {
			return nil, err
		}
	}
	if err := writeFile(b.path, text.Bytes()); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(b.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if b.file != nil {
		_ = b.file.Close() // it was replaced
	}
	b.file, b.lines, b.due = file, len(kept), 2*b.keep
	return kept, nil
}

// readCalls reads the lines that are whole: the last one may have been cut off by a death.
func readCalls(path string) (kept []keptCall, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		var k keptCall
		if err == nil && json.Unmarshal(line, &k) == nil && k.ARN != "" {
			kept = append(kept, k)
		}
		switch {
		case errors.Is(err, io.EOF):
			return kept, nil
		case err != nil:
			return nil, err
		}
	}
}

func (b *callbook) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.file.Close()
}
