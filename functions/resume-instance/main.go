// Code generated from the catalog; DO NOT EDIT.

// Command resume-instance is the Lambda function resume-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/executions"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() { onaws.Main(catalog.ResumeInstance, suspension.Open, suspension.Resume, executions.Open) }
