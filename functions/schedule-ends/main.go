// Code generated from the catalog; DO NOT EDIT.

// Command schedule-ends is the Lambda function schedule-ends.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/calendar"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() {
	onaws.Main(catalog.ScheduleEnds, decommission.Open, decommission.ScheduleEnds, calendar.Open)
}
