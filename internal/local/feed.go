package main

import (
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/steps"
)

// sourceOf finds the step of a function, as its name is in the catalog.
func sourceOf(function string) (portal.Source, bool) {
	f, ok := catalog.ByName(function)
	if !ok {
		return portal.Source{}, false
	}
	file, line, text, err := steps.Find(f.Package(), strings.TrimPrefix(f.Handler, f.Package()+"."))
	return portal.Source{File: "internal/steps/" + file, Line: line, Text: text}, err == nil
}
