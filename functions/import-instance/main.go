// Code generated from the catalog; DO NOT EDIT.

// Command import-instance is the Lambda function import-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/intake"
)

func main() { onaws.Main(catalog.ImportInstance, intake.Open, intake.Begin, executions.Open) }
