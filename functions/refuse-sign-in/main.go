// Code generated from the catalog; DO NOT EDIT.

// Command refuse-sign-in is the Lambda function refuse-sign-in.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

func main() { onaws.Main(catalog.RefuseSignIn, project.Open, project.RefuseSignIn) }
