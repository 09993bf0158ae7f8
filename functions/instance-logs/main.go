// Code generated from the catalog; DO NOT EDIT.

// Command instance-logs is the Lambda function instance-logs.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/insights"
	"github.com/project-gimbal/fleet/internal/steps/instance"
)

func main() { onaws.Main(catalog.InstanceLogs, instance.Open, instance.Logs, insights.Open) }
