// Code generated from the catalog; DO NOT EDIT.

// Command import-media is the Lambda function import-media.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/intake"
)

func main() { onaws.Main(catalog.ImportMedia, intake.Open, intake.Media, files.Exports) }
