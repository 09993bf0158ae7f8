// Code generated from the catalog; DO NOT EDIT.

// Command verify-health is the Lambda function verify-health.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/health"
)

func main() { onaws.Main(catalog.VerifyHealth, health.Open, health.Verify) }
