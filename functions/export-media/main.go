// Code generated from the catalog; DO NOT EDIT.

// Command export-media is the Lambda function export-media.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.ExportMedia, export.Open, export.Media, files.Exports) }
