// Code generated from the catalog; DO NOT EDIT.

// Command mark-suspended is the Lambda function mark-suspended.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() { onaws.Main(catalog.MarkSuspended, suspension.Open, suspension.MarkSuspended) }
