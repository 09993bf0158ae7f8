// Code generated from the catalog; DO NOT EDIT.

// Command remove-frontend is the Lambda function remove-frontend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
)

func main() { onaws.Main(catalog.RemoveFrontend, frontend.Open, frontend.Remove) }
