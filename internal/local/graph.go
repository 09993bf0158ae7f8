package main

import "github.com/project-gimbal/fleet/internal/asl"

// mainline is the way through a graph when all goes well: each state's Next, and a Choice's Default.
func mainline(g asl.Graph) []asl.State {
	byName := map[string]asl.State{}
	for _, s := range g.States {
		byName[s.Name] = s
	}
	var line []asl.State
	for name := g.StartAt; name != "" && len(line) < len(g.States); {
		s := byName[name]
		line = append(line, s)
		name = s.Next
		if s.Type == asl.Choice && len(s.Targets) > 0 {
			name = s.Targets[len(s.Targets)-1] // the Default comes last
		}
	}
	return line
}
