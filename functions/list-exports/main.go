// Code generated from the catalog; DO NOT EDIT.

// Command list-exports is the Lambda function list-exports.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() { onaws.Main(catalog.ListExports, export.Open, export.List) }
