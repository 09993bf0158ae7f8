// Code generated from the catalog; DO NOT EDIT.

// Command unpause-frontend is the Lambda function unpause-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.UnpauseFrontend, frontend.Open, frontend.Unpause) }
