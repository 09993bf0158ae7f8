// Code generated from the catalog; DO NOT EDIT.

// Command destroy-key is the Lambda function destroy-key.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() { onaws.Main(catalog.DestroyKey, termination.Open, termination.DestroyKey, files.Archive) }
