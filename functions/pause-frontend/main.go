// Code generated from the catalog; DO NOT EDIT.

// Command pause-frontend is the Lambda function pause-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.PauseFrontend, frontend.Open, frontend.Pause) }
