package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// portsOf are the ports over services of AWS that are packages of their own, as folders under internal/onaws, with the grants of which
// each calls for it.
var portsOf = map[string][]catalog.Grant{"topic": {catalog.Publish}, "insights": {catalog.ReadLogs}, "surroundings": {catalog.Inspect},
	"databases": {catalog.Databases}, "files": {catalog.Exports, catalog.ReadExports, catalog.Archive, catalog.History}, "calendar": {catalog.Calendar},
	"executions": {catalog.StartRuns}, "trigger": {catalog.InvokeAdmit, catalog.InvokeDeliver}}

// checkLinked wants a main to link no vendor's client but those its noun needs: the catalog grants one of the noun's
// functions the vendor's credential, or the table of imports lists it; and no service of AWS that isn't every function's but
// by its grant. What is linked costs every cold start, and a client that is there can be called.
func checkLinked(root string) (broken []string) {
	all, err := imports(root)
	if err != nil {
		return []string{err.Error()}
	}
	uses := map[string][]string{}
	for _, i := range all {
		if folder, ok := i.local(); ok {
			uses[i.by] = append(uses[i.by], folder)
		}
	}
	needs := vendorsNeeded()
	for _, f := range catalog.Functions() {
		ways := reach(uses, "functions/"+f.Name)
		for _, folder := range slices.Sorted(maps.Keys(ways)) {
			vendor, ok := strings.CutPrefix(folder, "internal/provider/")
			if ok && !needs[f.Package()][vendor] {
				broken = append(broken, fmt.Sprintf("functions/%s links %s's client, by way of %s", f.Name, vendor, ways[folder]))
			}
			port, ok := strings.CutPrefix(folder, "internal/onaws/")
			if ok && !slices.ContainsFunc(portsOf[port], func(g catalog.Grant) bool { return slices.Contains(f.Grants, g) }) {
				broken = append(broken, fmt.Sprintf("functions/%s links the port %s, which it is not granted, by way of %s", f.Name, port, ways[folder]))
			}
		}
	}
	return broken
}

// vendorsNeeded maps each noun to the vendors that its functions call.
func vendorsNeeded() map[string]map[string]bool {
	needs := map[string]map[string]bool{}
	for _, f := range catalog.Functions() {
		noun := f.Package()
		if needs[noun] == nil {
			needs[noun] = map[string]bool{}
		}
		for _, vendor := range vendorsOf[noun] {
			needs[noun][vendor] = true
		}
		for _, g := range f.Grants {
			if secret, ok := strings.CutPrefix(string(g), catalog.SecretPrefix); ok {
				vendor, _, _ := strings.Cut(secret, "-") // "supabase-token"
				needs[noun][vendor] = true
			}
		}
	}
	return needs
}

// reach maps every package that from imports, directly or not, to the package by whose import it was first found.
func reach(uses map[string][]string, from string) map[string]string {
	found := map[string]string{}
	next := []string{from}
	for len(next) > 0 {
		by := next[0]
		next = next[1:]
		for _, folder := range uses[by] {
			if _, seen := found[folder]; !seen {
				found[folder] = by
				next = append(next, folder)
			}
		}
	}
	return found
}
