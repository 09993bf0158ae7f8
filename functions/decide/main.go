// Code generated from the catalog; DO NOT EDIT.

// Command decide is the Lambda function decide.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/approval"
)

func main() { onaws.Main(catalog.Decide, approval.Open, approval.Decide, trigger.Open) }
