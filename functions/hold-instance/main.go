// Code generated from the catalog; DO NOT EDIT.

// Command hold-instance is the Lambda function hold-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.HoldInstance, decommission.Open, decommission.Hold) }
