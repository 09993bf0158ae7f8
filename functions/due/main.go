// Code generated from the catalog; DO NOT EDIT.

// Command due is the Lambda function due.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.Due, decommission.Open, decommission.Due, executions.Open) }
