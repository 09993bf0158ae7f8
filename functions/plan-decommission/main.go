// Code generated from the catalog; DO NOT EDIT.

// Command plan-decommission is the Lambda function plan-decommission.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.PlanDecommission, decommission.Open, decommission.Plan) }
