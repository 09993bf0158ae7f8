package main

import "github.com/project-gimbal/fleet/internal/asl"

// mainline is the way through a graph when all goes well.
func mainline(g asl.Graph) []asl.State { return g.Mainline() }
