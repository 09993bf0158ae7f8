// Code generated from the catalog; DO NOT EDIT.

// Command list-incidents is the Lambda function list-incidents.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/incident"
)

func main() { onaws.Main(catalog.ListIncidents, incident.Open, incident.List) }
