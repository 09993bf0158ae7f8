// Code generated from the catalog; DO NOT EDIT.

// Command allow-sign-in is the Lambda function allow-sign-in.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

func main() { onaws.Main(catalog.AllowSignIn, project.Open, project.AllowSignIn) }
