// Code generated from the catalog; DO NOT EDIT.

// Command mark-terminated is the Lambda function mark-terminated.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() { onaws.Main(catalog.MarkTerminated, termination.Open, termination.Mark) }
