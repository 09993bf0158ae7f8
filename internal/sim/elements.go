package sim

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// counters are the parts of the simulators' states that are nobody's: how many calls there were, what was drawn by chance.
var counters = []string{"made", "calls", "window", "windows", "minted", "waiting", "drawn", "last", "deleted", "files"}

// Elements are the members of a state's lists and maps, each with its place, as their JSON stands.
func Elements(state []byte) (all []string, err error) {
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

// changed are the parts of an element that tell when it was changed.
var changed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"(modified_on|updated)":"[^"]*"`) })

// Timeless gives elements, sorted, without when they were changed, and without mails that were sent.
func Timeless(elements []string) (all []string) {
	for _, e := range elements {
		if !strings.HasPrefix(e, "mails") && !strings.HasPrefix(e, "sent") {
			all = append(all, changed().ReplaceAllString(e, `"$1":""`))
		}
	}
	slices.Sort(all)
	return all
}
