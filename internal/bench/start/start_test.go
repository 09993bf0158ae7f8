package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be a function, too: the links to it say by their names how it behaves.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case hello:
		poll()
	case "slow":
		time.Sleep(200 * time.Millisecond)
		poll()
	case "broken":
		_, _ = os.Stderr.WriteString("no such thing\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func poll() {
	_, _ = http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next")
}

// folder holds functions of these names.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMeasure(t *testing.T) {
	r, err := measure(folder(t, hello, "slow"), []string{"slow"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	f := r.functions[0]
	if len(f.hello) != 2 || len(f.starts) != 2 || median(f.starts) < 200*time.Millisecond || f.ratio() <= 1 || f.zipped == 0 {
		t.Errorf("got %+v", r)
	}
}

func TestMeasureFails(t *testing.T) {
	for name, want := range map[string]string{"broken": "broken: Runtime exited with error: exit status 1\nno such thing", "absent": "absent is not built"} {
		_, err := measure(folder(t, hello, "broken"), []string{name}, 1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func starts(ms ...int) []time.Duration {
	var all []time.Duration
	for _, n := range ms {
		all = append(all, time.Duration(n)*time.Millisecond)
	}
	return all
}

func TestReport(t *testing.T) {
	r := report{rounds: 3, functions: []function{
		{name: "fine", zipped: maxZipped, starts: starts(8, 100, 8), hello: starts(4, 4, 90)},
		{name: "slow", zipped: 1, starts: starts(5, 5, 1), hello: starts(2, 90, 2)},
		{name: "large", zipped: maxZipped + 10_000, starts: starts(2, 2, 2), hello: starts(2, 2, 2)},
	}}
	faults := r.faults()
	if len(faults) != 2 || !strings.HasPrefix(faults[0], "slow takes 2.50 × hello-world") || !strings.HasPrefix(faults[1], "large has 6.01 MB zipped, 6 are allowed") {
		t.Errorf("got %q", faults)
	}
	var out bytes.Buffer
	r.print(&out)
	slow, fine := strings.Index(out.String(), "slow "), strings.Index(out.String(), "fine ")
	if slow < 0 || fine < slow {
		t.Errorf("the slowest doesn't come first:\n%s", out.String())
	}
	file := filepath.Join(t.TempDir(), "start.json")
	if err := r.write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if want := `{"name":"slow","zipped_mb":0.000001,"start_ms":5,"hello_ms":2,"ratio":2.5}`; err != nil || !strings.Contains(inOneLine(text), want) {
		t.Errorf("the document is %s, %v", text, err)
	}
}

func inOneLine(text []byte) string {
	var out bytes.Buffer
	_ = json.Compact(&out, text) // what doesn't compact isn't what is wanted
	return out.String()
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		of   []time.Duration
		want time.Duration
	}{{starts(7), 7 * time.Millisecond}, {starts(9, 1, 2), 2 * time.Millisecond}, {starts(4, 1, 2, 9), 3 * time.Millisecond}} {
		if got := median(test.of); got != test.want {
			t.Errorf("of %v: %v", test.of, got)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{{[]string{"-h"}, exitDone}, {nil, exitUsage}, {[]string{"-rounds", "0", "x"}, exitUsage}, {[]string{"-what"}, exitUsage}, {[]string{t.TempDir()}, exitFailed}} {
		var out bytes.Buffer
		if got := run(test.args, &out, &out); got != test.want || out.Len() == 0 {
			t.Errorf("%q: exit %d, want %d:\n%s", test.args, got, test.want, out.String())
		}
	}
}
