// Package statemachines holds the workflows' definitions in Amazon States Language, as they are deployed.
package statemachines

import "embed"

// files holds <workflow>.asl.json for each workflow of the catalog. In a definition, ${CreateProject} stands for the ARN of
// the function of that state.
//
//go:embed *.asl.json
var files embed.FS

// Definition gives a workflow's definition; an unknown name is fs.ErrNotExist.
func Definition(workflow string) ([]byte, error) { return files.ReadFile(workflow + ".asl.json") }
