// Code generated from the catalog; DO NOT EDIT.

// Command deploy-frontend is the Lambda function deploy-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.DeployFrontend, frontend.Open, frontend.Deploy) }
