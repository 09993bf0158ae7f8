// Code generated from the catalog; DO NOT EDIT.

// Command end-operation is the Lambda function end-operation.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

func main() { onaws.Main(catalog.EndOperation, operation.Open, operation.End, trigger.Open) }
