// Code generated from the catalog; DO NOT EDIT.

// Command show-instance is the Lambda function show-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/instance"
)

func main() { onaws.Main(catalog.ShowInstance, instance.Open, instance.Show) }
