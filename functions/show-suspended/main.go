// Code generated from the catalog; DO NOT EDIT.

// Command show-suspended is the Lambda function show-suspended.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() { onaws.Main(catalog.ShowSuspended, suspension.Open, suspension.Page) }
