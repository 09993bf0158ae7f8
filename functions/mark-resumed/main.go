// Code generated from the catalog; DO NOT EDIT.

// Command mark-resumed is the Lambda function mark-resumed.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() { onaws.Main(catalog.MarkResumed, suspension.Open, suspension.MarkResumed) }
