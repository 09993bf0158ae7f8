// Code generated from the catalog; DO NOT EDIT.

// Command auto-approve is the Lambda function auto-approve.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/approval"
)

func main() { onaws.Main(catalog.AutoApprove, approval.Open, approval.Auto, trigger.Open) }
