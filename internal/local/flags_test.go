package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// typed runs a command line that ends by itself.
func typed(args ...string) (code int, out, complaint string) {
	var stdout, stderr bytes.Buffer
	code = run(args, terminal{in: strings.NewReader(""), out: &stdout, err: &stderr, getenv: func(string) string { return "" }}, newInterrupts())
	return code, stdout.String(), stderr.String()
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"", "[-auto-approve PLANS]"},
		{"play", `no command "play"`},
		{"demo -spede 3", "-spede"},
		{"demo now", `"now" is no flag`},
		{"demo -speed 0", "-speed: 0"},
		{"demo -speed -1", "-speed: -1"},
		{"demo -speed NaN", "-speed: NaN"},
		{"demo -speed 1001", "at most 1000"},
		{"demo -speed fast", "-speed"},
		{"demo -seed -1", "-seed"},
		{"demo -until gone", "want active, suspended or terminated"},
		{"demo -until", "-until"},
		{"demo -until terminated -reject", "-reject and -until terminated"},
		{"demo -event " + filepath.Join(os.TempDir(), "no", "such.json"), "-event"},
		{"demo -faults supabase", "want vendor.Operation=kind"},
		{"demo -faults supabase.CreateProject=kaput", `no fault kind "kaput"`},
		{"demo -faults supabase.CreatProject=lost", "CreateProject, "},
		{"demo -faults supabase.createproject=lost", "CreateProject, "},
		{"demo -faults supabse.CreateProject=lost", "only cloudflare, sendgrid, supabase, twilio, vercel"},
		{"demo -faults vercel.*=lost@0", "counts no calls"},
		{"serve -addr 8700", "no HOST:PORT"},
		{"serve -speed 0", "-speed"},
		{"serve -data=", "-data"},
		{"serve -auto-approve flat,free", `"free" is no plan`},
		{"serve -auto-approve=", "there are flat, usage, tiered"},
		{"serve here", `"here" is no flag`},
		{"run-machine", "-definition: a file must be named"},
		{"run-machine -definition " + filepath.Join(os.TempDir(), "no", "such.json"), "-definition"},
		{"run-machine -definition x -mocks y", "-mocks and -case need each other"},
		{"run-machine -definition x -case y", "-mocks and -case need each other"},
		{"run-machine -definition - -input -", "only one of -definition and -input"},
		{"run-machine -definition x -at noon", `-at: "noon" is no time`},
	} {
		code, out, complaint := typed(strings.Fields(c.line)...)
		if code != exitUsage || !strings.Contains(complaint, c.says) || out != "" {
			t.Errorf("%q ends with %d, says %q and %q; want %d and %q", c.line, code, out, complaint, exitUsage, c.says)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		line string
		says []string
	}{
		{"-h", []string{"demo [-event FILE]", "run-machine -definition FILE [-input FILE]", "serve [-addr HOST:PORT]"}},
		{"help", []string{"demo [-event FILE]"}},
		{"help demo", []string{"-reject", "500-after", "-processes"}},
		{"demo -h", []string{"-event FILE", "-until STATE", "active, suspended or terminated", "-faults SPEC", "delayed ", "supabase    ", "CreateDeployment", "default 25"}},
		{"run-machine -h", []string{"-definition FILE", "-input FILE", "-mocks FILE", "-case NAME", "-history", "-at TIME", "JSONata", "Exit: 0"}},
		{"serve -h", []string{"-data DIR", "-auto-approve PLANS", "-processes", "127.0.0.1:8700", "kill -9", "Exit: 0"}},
	} {
		code, out, complaint := typed(strings.Fields(c.line)...)
		if code != exitDone || complaint != "" {
			t.Errorf("%q ends with %d and complains %q", c.line, code, complaint)
		}
		for _, says := range c.says {
			if !strings.Contains(out, says) {
				t.Errorf("%q does not say %q:\n%s", c.line, says, out)
			}
		}
	}
}

func TestPlansMayStandApart(t *testing.T) {
	o, err := parseServe([]string{"-auto-approve", " flat, tiered "}, io.Discard)
	if want := []string{"flat", "tiered"}; err != nil || !slices.Equal(o.autoApprove, want) {
		t.Errorf("%q, %v; want %q", o.autoApprove, err, want)
	}
}

func TestUnpaidLockIsOn(t *testing.T) {
	for line, want := range map[string]bool{"": true, "-unpaid-lock": true, "-unpaid-lock=false": false} {
		if o, err := parseServe(strings.Fields(line), io.Discard); err != nil || o.unpaidLock != want {
			t.Errorf("%q: %t, %v", line, o.unpaidLock, err)
		}
	}
}

func TestFaultsAreChecked(t *testing.T) {
	rules, err := parseFaults("supabase.CreateProject=lost, vercel.*=429-retry:7s@2-3")
	if err != nil || len(rules) != 2 || rules[1].To != 3 {
		t.Errorf("%+v, %v", rules, err)
	}
	if rules, err := parseFaults(""); err != nil || len(rules) != 0 {
		t.Errorf("no faults: %+v, %v", rules, err)
	}
}

func TestNearestNames(t *testing.T) {
	names := []string{"CreateKey", "CreateSubuser", "DeleteKey", "ListKeys"}
	for word, want := range map[string]string{"CreateKeys": "CreateKey", "listkeys": "ListKeys", "CreateSubusers": "CreateSubuser", "DeletKey": "DeleteKey"} {
		if got := nearest(word, names, 2); got[0] != want || len(got) != 2 {
			t.Errorf("near %q: %v, want %s first", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"Same", "sAME", 0}, {"abc", "", 3}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func FuzzFaults(f *testing.F) {
	for _, seed := range []string{"", "supabase.CreateProject=lost", "vercel.*=429-retry:20s@2-3", "a.b=c@1+", "=,.@:", "supabase.X=lost@1-"} {
		f.Add(seed)
	}
	calls, err := vendorCalls()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, script string) {
		rules, err := parseFaults(script)
		for _, r := range rules {
			vendor, _, _ := strings.Cut(r.Call, ".")
			if err == nil && r.Call != vendor+".*" && !slices.Contains(calls, r.Call) {
				t.Errorf("%q lets the unknown call %q go wrong", script, r.Call)
			}
		}
	})
}
