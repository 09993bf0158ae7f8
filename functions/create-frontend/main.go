// Code generated from the catalog; DO NOT EDIT.

// Command create-frontend is the Lambda function create-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.CreateFrontend, frontend.Open, frontend.Create) }
