//go:build !race

package main

import (
	"strings"
	"testing"
)

// rules are what every deployment keeps. Each lists what breaks it.
var rules = []struct {
	name  string
	check func(deployment) []string
}{
	{"functions", checkFunctions},
	{"environment", checkEnvironment},
	{"grants", checkGrants},
	{"wildcards", checkWildcards},
	{"events", checkEvents},
	{"schedules", checkSchedules},
	{"calendar", checkCalendar},
	{"machines", checkMachines},
	{"tasks", checkTasks},
	{"routes", checkRoutes},
	{"suspended", checkSuspended},
	{"kept", checkKept},
	{"buckets", checkBuckets},
	{"tables", checkTables},
	{"alarms", checkAlarms},
	{"count", checkCount},
}

func TestDeploymentsKeepEveryRule(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, d := range everyDeployment() {
				wants(t, d, r.check)
			}
		})
	}
}

// TestBrokenTemplatesAreReported: a deliberate mistake makes its rule fail, and says what is wrong.
func TestBrokenTemplatesAreReported(t *testing.T) {
	for _, r := range rules {
		if len(breaks[r.name]) == 0 {
			t.Errorf("no broken template shows rule %s", r.name)
		}
		for _, b := range breaks[r.name] {
			t.Run(r.name+"/"+b.name, func(t *testing.T) {
				d := ofProduction()
				d.templates = d.templates.copied()
				b.change(d.templates)
				if all := strings.Join(r.check(d), "\n"); b.reports == "" || !strings.Contains(all, b.reports) {
					t.Errorf("rule %s does not report %q; it reports:\n%s", r.name, b.reports, all)
				}
			})
		}
	}
}
