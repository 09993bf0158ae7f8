// Code generated from the catalog; DO NOT EDIT.

// Command admit is the Lambda function admit.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.Admit, operation.Open, operation.Admit, executions.Open) }
