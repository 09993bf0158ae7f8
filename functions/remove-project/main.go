// Code generated from the catalog; DO NOT EDIT.

// Command remove-project is the Lambda function remove-project.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

func main() { onaws.Main(catalog.RemoveProject, project.Open, project.Remove) }
