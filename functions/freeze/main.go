// Code generated from the catalog; DO NOT EDIT.

// Command freeze is the Lambda function freeze.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/freeze"
)

func main() { onaws.Main(catalog.Freeze, freeze.Open, freeze.Freeze) }
