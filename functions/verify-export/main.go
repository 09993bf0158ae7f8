// Code generated from the catalog; DO NOT EDIT.

// Command verify-export is the Lambda function verify-export.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.VerifyExport, export.Open, export.Verify, files.Exports) }
