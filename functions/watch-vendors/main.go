// Code generated from the catalog; DO NOT EDIT.

// Command watch-vendors is the Lambda function watch-vendors.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/vendors"
)

func main() {
	onaws.Main(catalog.WatchVendors, vendors.Open, vendors.Watch, executions.Open, trigger.Open)
}
