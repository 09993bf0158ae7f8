// Code generated from the catalog; DO NOT EDIT.

// Command remove-orphan is the Lambda function remove-orphan.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/incident"
)

func main() { onaws.Main(catalog.RemoveOrphan, incident.Open, incident.RemoveOrphan) }
