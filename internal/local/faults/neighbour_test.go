//go:build faults

package faults_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// counters are the parts of the simulators' states that are nobody's: how many calls there were, what was drawn by chance.
var counters = []string{"made", "calls", "window", "windows", "minted", "waiting", "drawn", "last", "deleted", "files"}

// neighbour judges that the neighbour's resources are at every vendor byte for byte what they were, and its records in the store,
// too, and that nothing was added to them.
func (r *run) neighbour() (violations []string) {
	for _, v := range r.w.Vendors.All() {
		state, err := v.Save()
		if err != nil {
			return []string{err.Error()}
		}
		before, err := elements(r.base.vendors[v.Name()])
		if err != nil {
			return []string{err.Error()}
		}
		after, err := elements(state)
		if err != nil {
			return []string{err.Error()}
		}
		for _, e := range before {
			if !slices.Contains(after, e) {
				violations = append(violations, fmt.Sprintf("the neighbour's at %s was touched: %.200s", v.Name(), e))
			}
		}
		for _, e := range after {
			if strings.Contains(e, r.base.neighbour) && !slices.Contains(before, e) {
				violations = append(violations, fmt.Sprintf("to the neighbour's at %s was added: %.200s", v.Name(), e))
			}
		}
	}
	records, err := r.records(r.base.neighbour)
	if err != nil || records != r.base.records {
		violations = append(violations, fmt.Sprintf("the neighbour's records changed: %s, %v", records, err))
	}
	return violations
}

// elements are the members of a state's lists and maps, each with its place, as their JSON stands.
func elements(state []byte) (all []string, err error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(state, &parts); err != nil {
		return nil, err
	}
	for name, part := range parts {
		if slices.Contains(counters, name) {
			continue
		}
		if name == "rate_limits" { // one document of the zone's, with everybody's rules
			var set struct{ Rules json.RawMessage }
			if err := json.Unmarshal(part, &set); err != nil {
				return nil, err
			}
			part = set.Rules
		}
		var list []json.RawMessage
		var keyed map[string]json.RawMessage
		switch part = bytes.TrimSpace(part); {
		case len(part) == 0:
		case part[0] == '[':
			err = json.Unmarshal(part, &list)
		case part[0] == '{':
			err = json.Unmarshal(part, &keyed)
		default:
			list = append(list, part)
		}
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			all = append(all, name+": "+string(e))
		}
		for key, e := range keyed {
			all = append(all, name+"/"+key+": "+string(e))
		}
	}
	return all, nil
}
