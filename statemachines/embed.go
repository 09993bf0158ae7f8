// Package statemachines holds the workflows' definitions in Amazon States Language, as they are deployed.
package statemachines

import "embed"

// Files holds <workflow>.asl.json for each workflow of the catalog. In a definition, ${CreateProject} stands for the ARN of
// the function of that state.
//
//go:embed *.asl.json
var Files embed.FS

// Definition gives a workflow's definition; an unknown name is fs.ErrNotExist.
func Definition(workflow string) ([]byte, error) { return Files.ReadFile(workflow + ".asl.json") }
