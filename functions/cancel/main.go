// Code generated from the catalog; DO NOT EDIT.

// Command cancel is the Lambda function cancel.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.Cancel, operation.Open, operation.Cancel, executions.Open) }
