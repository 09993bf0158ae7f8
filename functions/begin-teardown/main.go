// Code generated from the catalog; DO NOT EDIT.

// Command begin-teardown is the Lambda function begin-teardown.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() {
	onaws.Main(catalog.BeginTeardown, operation.Open, operation.BeginTeardown, executions.Open)
}
