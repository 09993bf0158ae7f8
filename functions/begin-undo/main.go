// Code generated from the catalog; DO NOT EDIT.

// Command begin-undo is the Lambda function begin-undo.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.BeginUndo, operation.Open, operation.BeginUndo, executions.Open) }
