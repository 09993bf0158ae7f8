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
	for _, v := range r.w.Vendors.All() {
		state, err := v.Save()
		if err != nil {
			return []string{err.Error()}
		}
		before, err := sim.Elements(r.base.others.vendors[v.Name()])
		if err != nil {
			return []string{err.Error()}
		}
		after, err := sim.Elements(state)
		if err != nil {
			return []string{err.Error()}
		}
		for _, e := range before {
			if !slices.Contains(after, e) {
				violations = append(violations, fmt.Sprintf("the neighbour's at %s was touched: %.200s", v.Name(), e))
			}
		}
		for _, e := range after {
			if strings.Contains(e, r.base.others.neighbour) && !slices.Contains(before, e) {
				violations = append(violations, fmt.Sprintf("to the neighbour's at %s was added: %.200s", v.Name(), e))
			}
		}
	}
	records, err := r.records(r.base.others.neighbour)
	if err != nil || records != r.base.others.records {
		violations = append(violations, fmt.Sprintf("the neighbour's records changed: %s, %v", records, err))
	}
	return violations
}
