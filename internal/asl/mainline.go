package asl

// Mainline is the way through a graph when all goes well: each state's Next, and a Choice's Default.
func (g Graph) Mainline() []State { return g.Way(State.Default) }

// Default is where a Choice leads when none of its rules holds, or the last of them where it has none; empty for other states.
func (s State) Default() string {
	if s.Type != Choice || len(s.Targets) == 0 {
		return ""
	}
	return s.Targets[len(s.Targets)-1] // the Default comes last
}

// Way is the way through a graph on which no error is caught, and each Choice leads where chosen says.
func (g Graph) Way(chosen func(choice State) string) []State {
	byName := map[string]State{}
	for _, s := range g.States {
		byName[s.Name] = s
	}
	var line []State
	for name := g.StartAt; name != "" && len(line) < len(g.States); {
		s := byName[name]
		line = append(line, s)
		name = s.Next
		if s.Type == Choice {
			name = chosen(s)
		}
	}
	return line
}
