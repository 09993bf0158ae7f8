// Code generated from the catalog; DO NOT EDIT.

// Command await-project is the Lambda function await-project.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

func main() { onaws.Main(catalog.AwaitProject, project.Open, project.Await) }
