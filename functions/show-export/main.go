// Code generated from the catalog; DO NOT EDIT.

// Command show-export is the Lambda function show-export.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.ShowExport, export.Open, export.Show, files.Exports) }
