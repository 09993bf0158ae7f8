package main

import (
	"github.com/project-gimbal/fleet/internal/asl"
)

// screen shows a play as it happens.
type screen interface {
	// said tells in words what happened.
	said(format string, args ...any)
	// turned tells that the next part of a life begins.
	turned(what string)
	// observed learns of an execution's events, after they happened.
	observed(asl.Observation)
	// attach begins to show a system's executions.
	attach(*system, *watch)
	// close shows the last state and gives the terminal back.
	close()
}

// silent shows nothing.
type silent struct{}

func (silent) said(string, ...any)      {}
func (silent) turned(string)            {}
func (silent) observed(asl.Observation) {}
func (silent) attach(*system, *watch)   {}
func (silent) close()                   {}
