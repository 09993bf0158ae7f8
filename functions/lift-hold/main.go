// Code generated from the catalog; DO NOT EDIT.

// Command lift-hold is the Lambda function lift-hold.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.LiftHold, decommission.Open, decommission.Lift) }
