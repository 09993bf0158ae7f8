package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// refused serves, and gives what is said of why it can't.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	code, _, complaint := typed(append([]string{"serve"}, args...)...)
	if code != exitFailed {
		t.Errorf("serve %q ended with %d, want %d", args, code, exitFailed)
	}
	return complaint
}

// newFolder is a folder to serve from, PostgreSQL's files included.
func newFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestServeWhereItCannot(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }() // nothing was sent
	dir := newFolder(t)
	if says := refused(t, "-data", dir, "-addr", busy.Addr().String()); !strings.Contains(says, "already in use") || !strings.Contains(says, "-addr") {
		t.Errorf("a busy port: %s", says)
	}
	taken := folder(newFolder(t))
	release, err := taken.occupy()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }() // the test is over
	if says := refused(t, "-data", string(taken)); !strings.Contains(says, fmt.Sprintf("process %d serves from", os.Getpid())) {
		t.Errorf("a folder that is served from: %s", says)
	}
	for _, name := range []string{"clock.json", "executions.json", "ports.json"} {
		damaged := folder(newFolder(t))
		if err := damaged.make(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(damaged.file(name), []byte(`{"`), 0o600); err != nil {
			t.Fatal(err)
		}
		if says := refused(t, "-data", string(damaged), "-addr", "127.0.0.1:0"); !strings.Contains(says, damaged.file(name)+" is damaged") {
			t.Errorf("damaged %s: %s", name, says)
		}
	}
}

func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{syscall.EADDRINUSE, "-addr"},
		{syscall.ENOSPC, "make room"},
		{syscall.EROFS, "-data"},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, "-data"},
		{fmt.Errorf("anything else"), "anything else"},
	} {
		if says := advised(fmt.Errorf("why: %w", c.err), serveOptions{dir: "here"}).Error(); !strings.Contains(says, c.says) || !strings.Contains(says, "why: ") {
			t.Errorf("%v: %s", c.err, says)
		}
	}
}

// TestServeEndsWhenItCannotKeep: a disk that is full, or a folder that is gone.
func TestServeEndsWhenItCannotKeep(t *testing.T) {
	t.Parallel()
	dir := newFolder(t)
	out, ended := &notifying{}, make(chan int, 1)
	up := out.when("Ctrl-C ends it")
	var complaint bytes.Buffer
	go func() {
		ended <- run([]string{"serve", "-addr", "127.0.0.1:0", "-data", dir}, terminal{in: strings.NewReader(""), out: out, err: &complaint, getenv: os.Getenv}, newInterrupts())
	}()
	<-up
	// What is written anew is put beside first, so that a name that is a folder can't be replaced.
	clockFile := folder(dir).file("clock.json")
	for os.Remove(clockFile) != nil || os.MkdirAll(filepath.Join(clockFile, "in the way"), 0o700) != nil {
		continue // it was written anew in between
	}
	if code := <-ended; code != exitFailed || !strings.Contains(complaint.String(), "can't be kept") {
		t.Errorf("ended with %d: %s", code, complaint.String())
	}
}

func TestPublicEdgeIsBesideTheFront(t *testing.T) {
	for front, want := range map[string]string{"127.0.0.1:8700": "127.0.0.1:8701", "127.0.0.1:0": "127.0.0.1:0", "[::1]:80": "[::1]:81"} {
		if got := above(front); got != want {
			t.Errorf("beside %s: %s, want %s", front, got, want)
		}
	}
}

// TestPortsOfTheSystemsChoiceAreFree: the one above a port that the system chose may be anybody's.
func TestPortsOfTheSystemsChoiceAreFree(t *testing.T) {
	t.Parallel()
	upAndDown(t, newFolder(t), func(c client, out *notifying) {
		front, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		if public := regexp.MustCompile(`localhost:(\d+)`).FindStringSubmatch(out.String())[1]; above(front.Host) == "127.0.0.1:"+public {
			t.Errorf("the public edge insists on port %s", public)
		}
	})
}
