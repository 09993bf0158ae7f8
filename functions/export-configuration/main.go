// Code generated from the catalog; DO NOT EDIT.

// Command export-configuration is the Lambda function export-configuration.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() {
	onaws.Main(catalog.ExportConfiguration, export.Open, export.Configuration, files.Exports, files.History)
}
