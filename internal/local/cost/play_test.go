package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
)

// TestPlay plays a provisioning in virtual time, and looks at what is measured of it and at what is printed.
func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := play(t.Context(), prices(t), 1, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		measured(t, m)
		r, err := newReport(prices(t), m, 1)
		if err != nil {
			t.Fatal(err)
		}
		if p, u := r.Provisioning.USD, r.Update.USD; p < 0.0005 || p > 0.01 || u <= 0 || u >= p || r.Idle.USD <= 0 || r.Standing.USD <= 0 {
			t.Errorf("provisioning $%v, update $%v, idle $%v, standing $%v", p, u, r.Idle.USD, r.Standing.USD)
		}
		printed(t, r)
	})
}

func measured(t *testing.T, m Measured) {
	t.Helper()
	if m.Transitions < 20 || m.Transitions > 35 || m.Events < m.Transitions || m.Stored < 1000 {
		t.Errorf("%v transitions, %v events, %v bytes stored", m.Transitions, m.Events, m.Stored)
	}
	for _, f := range catalog.Functions() {
		if _, ok := m.Idle[f.Name]; ok != (f.Trigger == catalog.Schedule) {
			t.Errorf("%s measured when idle: %t", f.Name, ok)
		}
	}
	project := m.Provisioning[catalog.CreateProject.Name]
	if project.Invocations != 1 || project.Milliseconds == 0 || project.ReadUnits == 0 || project.WriteUnits == 0 || project.KeyCalls != 1 ||
		project.SecretCalls != 1 || project.LogBytes == 0 {
		t.Errorf("create-project used %+v", project)
	}
	if wait := m.Provisioning[catalog.AwaitProject.Name]; wait.Milliseconds < 5000 {
		t.Errorf("await-project was billed %v ms: waiting for the vendor is billed", wait.Milliseconds)
	}
	if reads := m.Provisioning[catalog.DeployFrontend.Name].ObjectReads; reads == 0 {
		t.Error("deploy-frontend read no file of the release")
	}
	for name, u := range m.Idle {
		if u.Invocations != 1 {
			t.Errorf("%s with nothing to do: %+v", name, u)
		}
	}
}

func printed(t *testing.T, r Report) {
	t.Helper()
	var out bytes.Buffer
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"list prices of " + r.Prices.Date, "an estimate", "10,000", "$250,000 to $300,000", "from the strategy", "create-project"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	var document Report
	if err := r.writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil || document.Provisioning.USD != r.Provisioning.USD {
		t.Errorf("the document: %v, $%v", err, document.Provisioning.USD)
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{{[]string{"-h"}, exitDone}, {[]string{"x"}, exitUsage}, {[]string{"-plays", "0"}, exitUsage}, {[]string{"-speed", "1000"}, exitUsage}, {[]string{"-what"}, exitUsage}} {
		var out bytes.Buffer
		if got := run(test.args, &out, &out); got != test.want || out.Len() == 0 {
			t.Errorf("%q: exit %d, want %d:\n%s", test.args, got, test.want, out.String())
		}
	}
}

func TestAmounts(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 7: "7", 0.1234: "0.123", 1234.4: "1,234", 1234567: "1,234,567"} {
		if got := amount(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
	for usd, want := range map[float64]string{0: "$0.00", 8.575: "$8.57", 0.8: "$0.80", 0.001234: "$0.001234"} {
		if got := dollars(usd); got != want {
			t.Errorf("%v: %s, want %s", usd, got, want)
		}
	}
}
