// Code generated from the catalog; DO NOT EDIT.

// Command export-instance is the Lambda function export-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.ExportInstance, export.Open, export.Begin, executions.Open) }
