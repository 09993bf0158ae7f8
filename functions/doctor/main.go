// Code generated from the catalog; DO NOT EDIT.

// Command doctor is the Lambda function doctor.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/surroundings"
	"github.com/project-gimbal/fleet/internal/steps/doctor"
)

func main() { onaws.Main(catalog.Doctor, doctor.Open, doctor.Examine, surroundings.Open) }
