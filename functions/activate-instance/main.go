// Code generated from the catalog; DO NOT EDIT.

// Command activate-instance is the Lambda function activate-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/instance"
)

func main() { onaws.Main(catalog.ActivateInstance, instance.Open, instance.Activate) }
