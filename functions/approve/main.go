// Code generated from the catalog; DO NOT EDIT.

// Command approve is the Lambda function approve.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/approval"
)

func main() { onaws.Main(catalog.Approve, approval.Open, approval.Approve, trigger.Open) }
