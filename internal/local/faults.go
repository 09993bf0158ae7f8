package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

// vendorCalls names every call that a fault script may name, as "vendor.Operation". The simulators know; this world only
// serves to ask them.
func vendorCalls() ([]string, error) {
	w, err := world.New(world.Options{Clock: clock.System()})
	if err != nil {
		return nil, err
	}
	return w.Vendors.Calls(), w.Close()
}

func vendorsOf(calls []string) []string {
	var vendors []string
	for _, call := range calls {
		vendor, _, _ := strings.Cut(call, ".")
		vendors = append(vendors, vendor)
	}
	slices.Sort(vendors)
	return slices.Compact(vendors)
}

func operationsOf(calls []string, vendor string) []string {
	var operations []string
	for _, call := range calls {
		if operation, ok := strings.CutPrefix(call, vendor+"."); ok {
			operations = append(operations, operation)
		}
	}
	return operations
}

// parseFaults reads a fault script and refuses calls that no vendor has, naming those that are spelt like them: a fault that
// never comes would look like a system that withstood it.
func parseFaults(script string) ([]sim.Rule, error) {
	rules, err := sim.ParseRules(script)
	if err != nil {
		return nil, wrong("-faults: %v", err)
	}
	if len(rules) == 0 {
		return nil, nil
	}
	calls, err := vendorCalls()
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := checkCall(r.Call, calls); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func checkCall(call string, calls []string) error {
	vendor, operation, _ := strings.Cut(call, ".")
	vendors := vendorsOf(calls)
	switch {
	case !slices.Contains(vendors, vendor):
		return wrong("-faults: there is no vendor %q, only %s", vendor, strings.Join(vendors, ", "))
	case operation == "*", slices.Contains(calls, call):
		return nil
	}
	near := nearest(operation, operationsOf(calls, vendor), 3)
	return wrong("-faults: %s has no call %q; near it are %s", vendor, operation, strings.Join(near, ", "))
}

// nearest gives the n words that are most like one, the most alike first.
func nearest(word string, words []string, n int) []string {
	sorted := slices.SortedStableFunc(slices.Values(words), func(a, b string) int {
		return cmp.Compare(distance(word, a), distance(word, b))
	})
	return sorted[:min(n, len(sorted))]
}

// distance is Levenshtein's: how many letters to insert, delete or replace, regardless of case.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
