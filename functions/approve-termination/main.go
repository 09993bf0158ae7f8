// Code generated from the catalog; DO NOT EDIT.

// Command approve-termination is the Lambda function approve-termination.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.ApproveTermination, decommission.Open, decommission.Approve) }
