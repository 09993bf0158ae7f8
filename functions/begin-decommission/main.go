// Code generated from the catalog; DO NOT EDIT.

// Command begin-decommission is the Lambda function begin-decommission.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() {
	onaws.Main(catalog.BeginDecommission, decommission.Open, decommission.Begin, executions.Open)
}
