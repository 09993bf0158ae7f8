package sim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/sim"
)

func TestParseRules(t *testing.T) {
	for script, want := range map[string][]sim.Rule{
		"":                                nil,
		" , ,":                            nil,
		"a.B=lost":                        {{Call: "a.B", Kind: sim.Lost, From: 1, To: 1}},
		"a.*=refused@1+":                  {{Call: "a.*", Kind: sim.Refused, From: 1}},
		"a.B=429@3":                       {{Call: "a.B", Kind: sim.TooMany, From: 3, To: 3}},
		"a.B=429-retry":                   {{Call: "a.B", Kind: sim.TooManyRetry, After: 5 * time.Second, From: 1, To: 1}},
		"a.B=429-retry:20s@2-4":           {{Call: "a.B", Kind: sim.TooManyRetry, After: 20 * time.Second, From: 2, To: 4}},
		"a.B=delayed":                     {{Call: "a.B", Kind: sim.Delayed, After: 25 * time.Second, From: 1, To: 1}},
		"a.B=delayed:1m30s@5+":            {{Call: "a.B", Kind: sim.Delayed, After: 90 * time.Second, From: 5}},
		"a.B=late":                        {{Call: "a.B", Kind: sim.Late, After: 30 * time.Second, From: 1, To: 1}},
		"a.B=late:0s@7-7":                 {{Call: "a.B", Kind: sim.Late, From: 7, To: 7}},
		" a.B=500-after , c.D=500-before": {{Call: "a.B", Kind: sim.ErrorAfter, From: 1, To: 1}, {Call: "c.D", Kind: sim.ErrorBefore, From: 1, To: 1}},
		"a.B=403,a.B=hang@2":              {{Call: "a.B", Kind: sim.Denied, From: 1, To: 1}, {Call: "a.B", Kind: sim.Hang, From: 2, To: 2}},
	} {
		got, err := sim.ParseRules(script)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", script, err, diff)
		}
	}
}

func TestParseRulesRefuses(t *testing.T) {
	for _, rule := range []string{
		"a.B", "a.B=", "=lost", "a=lost", ".B=lost", "a.=lost", "lost", "a.B=gone", "a.B=Lost", "a.B= lost",
		"a.B=lost:5s", "a.B=429:5s", "a.B=late:", "a.B=late:5", "a.B=late:-5s", "a.B=late:soon", "a.B=delayed:5s:5s",
		"a.B=lost@", "a.B=lost@0", "a.B=lost@-1", "a.B=lost@x", "a.B=lost@1-", "a.B=lost@3-2", "a.B=lost@1-2+", "a.B=lost@+", "a.B=lost@1++",
		"a.B=lost@+1", "a.B=lost@1-+2", "a.B=lost@0-2", "a.B=lost@1.5", "a.B=lost@ 1", "a.B=lost@1@2", "a.B=lost@99999999999999999999",
		"a.B=lost@1-99999999999999999999", "a.B=late@1:5s",
	} {
		for _, script := range []string{rule, "x.Y=lost," + rule + ",z.Z=hang"} {
			rules, err := sim.ParseRules(script)
			if err == nil {
				t.Errorf("%q was taken as %+v", script, rules)
			} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", rule)) {
				t.Errorf("%q: the error does not name the rule: %v", script, err)
			}
		}
	}
}

// TestEveryKindIsTold: what -h lists is what a script may say.
func TestEveryKindIsTold(t *testing.T) {
	for _, kind := range kinds {
		if rules, err := sim.ParseRules("a.B=" + string(kind)); err != nil || len(rules) != 1 || rules[0].Kind != kind {
			t.Errorf("%s: %+v, %v", kind, rules, err)
		}
	}
	told := map[string]bool{}
	for _, k := range sim.Kinds() {
		if k[1] == "" || told[k[0]] {
			t.Errorf("kind %v", k)
		}
		told[k[0]] = true
	}
	if len(told) != len(kinds) {
		t.Errorf("%d kinds are told, there are %d", len(told), len(kinds))
	}
}

var kinds = []sim.Kind{sim.Refused, sim.TooMany, sim.TooManyRetry, sim.Denied, sim.ErrorBefore, sim.ErrorAfter, sim.Lost, sim.Hang, sim.Delayed, sim.Late}

func FuzzParseRules(f *testing.F) {
	for _, script := range []string{"", "supabase.CreateProject=lost", "a.*=429-retry:20s@2-4,b.C=hang@1+", "a.B=late:5s@3", "a.B=lost@1-2+", "a.B==@,"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		rules, err := sim.ParseRules(script)
		if err != nil {
			return
		}
		for _, r := range rules {
			if r.From < 1 || r.To != 0 && r.To < r.From || r.After < 0 || !strings.Contains(r.Call, ".") {
				t.Errorf("%q gives %+v", script, r)
			}
			which := fmt.Sprintf("%d-%d", r.From, r.To)
			if r.To == 0 {
				which = fmt.Sprintf("%d+", r.From)
			}
			after := ""
			if r.Kind == sim.Late || r.Kind == sim.Delayed || r.Kind == sim.TooManyRetry {
				after = ":" + r.After.String()
			}
			again, err := sim.ParseRules(r.Call + "=" + string(r.Kind) + after + "@" + which)
			if diff := cmp.Diff([]sim.Rule{r}, again); err != nil || diff != "" {
				t.Errorf("%q written out is another: %v %s", script, err, diff)
			}
		}
	})
}

func TestScriptCounts(t *testing.T) {
	rules, err := sim.ParseRules("a.B=lost@2,a.B=429@2-3,a.B=hang@5+,a.*=403@4,c.*=refused@1+")
	if err != nil {
		t.Fatal(err)
	}
	s := sim.NewScript(rules...)
	for i, want := range []sim.Kind{"", sim.Lost, sim.TooMany, sim.Denied, sim.Hang, sim.Hang} {
		if i%2 == 0 { // others' calls don't count
			if r, ok := s.Next("a", "X"); ok {
				t.Errorf("a.X fails as %s", r.Kind)
			}
		}
		if r, ok := s.Next("a", "B"); ok != (want != "") || r.Kind != want {
			t.Errorf("call %d of a.B fails as %q, want %q", i+1, r.Kind, want)
		}
	}
	if r, _ := s.Next("a", "X"); r.Kind != sim.Denied { // a.X's fourth: with "*" each operation counts for itself
		t.Errorf("a.X's fourth call fails as %q", r.Kind)
	}
	for _, operation := range []string{"X", "Y", ""} {
		if r, _ := s.Next("c", operation); r.Kind != sim.Refused {
			t.Errorf("c.%s fails as %q", operation, r.Kind)
		}
	}
	if _, ok := sim.NewScript().Next("a", "B"); ok {
		t.Error("an empty script lets a call fail")
	}
}

// TestScriptCountsConcurrently: of a hundred calls at once, just the scripted ones fail.
func TestScriptCountsConcurrently(t *testing.T) {
	s := sim.NewScript(sim.Rule{Call: "a.B", Kind: sim.Lost, From: 11, To: 30})
	var all sync.WaitGroup
	failed := make(chan sim.Kind, 100)
	for range 100 {
		all.Go(func() {
			if r, ok := s.Next("a", "B"); ok {
				failed <- r.Kind
			}
		})
	}
	all.Wait()
	if len(failed) != 20 {
		t.Errorf("%d calls failed", len(failed))
	}
}
