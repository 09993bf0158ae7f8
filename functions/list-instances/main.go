// Code generated from the catalog; DO NOT EDIT.

// Command list-instances is the Lambda function list-instances.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/instance"
)

func main() { onaws.Main(catalog.ListInstances, instance.Open, instance.List) }
