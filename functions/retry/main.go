// Code generated from the catalog; DO NOT EDIT.

// Command retry is the Lambda function retry.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.Retry, operation.Open, operation.Retry, executions.Open) }
