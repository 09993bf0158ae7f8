package main

import (
	"strings"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/steps"
)

// fed tells the pages of a call of a vendor. Its path stays out: there may be a person's address in it.
func fed(f *portal.Feed) func(asl.Place, sim.Call) {
	return func(at asl.Place, c sim.Call) {
		if at.ARN == "" {
			return // no state made it
		}
		f.Called(at.ARN, at.State, portal.Call{Vendor: c.Vendor, Operation: c.Operation, Start: c.Start, End: c.End, Status: c.Status,
			Fault: string(c.Fault), Attempt: at.Attempt + 1})
	}
}

// sourceOf finds the step of a function, as its name is in the catalog.
func sourceOf(function string) (portal.Source, bool) {
	f, ok := catalog.ByName(function)
	if !ok {
		return portal.Source{}, false
	}
	file, line, text, err := steps.Find(f.Package(), strings.TrimPrefix(f.Handler, f.Package()+"."))
	return portal.Source{File: "internal/steps/" + file, Line: line, Text: text}, err == nil
}
