// Code generated from the catalog; DO NOT EDIT.

// Command begin-grace is the Lambda function begin-grace.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.BeginGrace, decommission.Open, decommission.BeginGrace) }
