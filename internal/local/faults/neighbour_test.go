//go:build faults

package faults_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/sim"
)

// neighbour judges that the neighbour's resources are at every vendor byte for byte what they were, and its records in the store,
// too, and that nothing was added to them.
func (r *run) neighbour() (violations []string) {
	for vendor, after := range r.elements() {
		before := r.base.theirs[vendor]
		for _, e := range before {
			if !slices.Contains(after, e) {
				violations = append(violations, fmt.Sprintf("the neighbour's at %s was touched: %.200s", vendor, e))
			}
		}
		for _, e := range after {
			if strings.Contains(e, r.base.neighbour) && !slices.Contains(before, e) {
				violations = append(violations, fmt.Sprintf("to the neighbour's at %s was added: %.200s", vendor, e))
			}
		}
	}
	records, err := r.records(r.base.neighbour)
	if err != nil || records != r.base.records {
		violations = append(violations, fmt.Sprintf("the neighbour's records changed: %s, %v", records, err))
	}
	return violations
}

// elements are what every vendor has, by its name.
func (r *run) elements() map[string][]string {
	all := map[string][]string{}
	for _, v := range r.w.Vendors.All() {
		state, err := v.Save()
		if err == nil {
			all[v.Name()], err = sim.Elements(state)
		}
		if err != nil {
			all[v.Name()] = []string{err.Error()} // which nobody had before
		}
	}
	return all
}
