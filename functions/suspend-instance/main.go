// Code generated from the catalog; DO NOT EDIT.

// Command suspend-instance is the Lambda function suspend-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() {
	onaws.Main(catalog.SuspendInstance, suspension.Open, suspension.Suspend, executions.Open)
}
