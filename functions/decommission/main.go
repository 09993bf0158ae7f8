// Code generated from the catalog; DO NOT EDIT.

// Command decommission is the Lambda function decommission.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.Decommission, decommission.Open, decommission.Begin) }
