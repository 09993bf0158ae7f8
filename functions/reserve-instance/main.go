// Code generated from the catalog; DO NOT EDIT.

// Command reserve-instance is the Lambda function reserve-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/instance"
)

func main() { onaws.Main(catalog.ReserveInstance, instance.Open, instance.Reserve) }
