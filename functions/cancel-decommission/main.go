// Code generated from the catalog; DO NOT EDIT.

// Command cancel-decommission is the Lambda function cancel-decommission.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/calendar"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() {
	onaws.Main(catalog.CancelDecommission, decommission.Open, decommission.Cancel, executions.Open, calendar.Open)
}
