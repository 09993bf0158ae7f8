package asl

// Mainline is the way through a graph when all goes well: each state's Next, and a Choice's Default.
func (g Graph) Mainline() []State {
	byName := map[string]State{}
	for _, s := range g.States {
		byName[s.Name] = s
	}
	var line []State
	for name := g.StartAt; name != "" && len(line) < len(g.States); {
		s := byName[name]
		line = append(line, s)
		name = s.Next
		if s.Type == Choice && len(s.Targets) > 0 {
			name = s.Targets[len(s.Targets)-1] // the Default comes last
		}
	}
	return line
}
