// Code generated from the catalog; DO NOT EDIT.

// Command reconcile is the Lambda function reconcile.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.Reconcile, operation.Open, operation.Reconcile, executions.Open) }
