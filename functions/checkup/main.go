// Code generated from the catalog; DO NOT EDIT.

// Command checkup is the Lambda function checkup.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/surroundings"
	"github.com/project-gimbal/fleet/internal/steps/doctor"
)

func main() { onaws.Main(catalog.Checkup, doctor.Open, doctor.Daily, surroundings.Open) }
