// Code generated from the catalog; DO NOT EDIT.

// Command thaw is the Lambda function thaw.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/freeze"
)

func main() { onaws.Main(catalog.Thaw, freeze.Open, freeze.Thaw, trigger.Open) }
