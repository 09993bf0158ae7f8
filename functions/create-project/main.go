// Code generated from the catalog; DO NOT EDIT.

// Command create-project is the Lambda function create-project.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

func main() { onaws.Main(catalog.CreateProject, project.Open, project.Create) }
