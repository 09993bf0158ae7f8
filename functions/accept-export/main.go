// Code generated from the catalog; DO NOT EDIT.

// Command accept-export is the Lambda function accept-export.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.AcceptExport, decommission.Open, decommission.AcceptExport) }
