// Code generated from the catalog; DO NOT EDIT.

// Command acknowledge is the Lambda function acknowledge.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/incident"
)

func main() { onaws.Main(catalog.Acknowledge, incident.Open, incident.Acknowledge) }
