// Code generated from the catalog; DO NOT EDIT.

// Command await-frontend is the Lambda function await-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.AwaitFrontend, frontend.Open, frontend.Await) }
