// Code generated from the catalog; DO NOT EDIT.

// Command seal-export is the Lambda function seal-export.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.SealExport, export.Open, export.Seal, files.Exports) }
