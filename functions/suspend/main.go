// Code generated from the catalog; DO NOT EDIT.

// Command suspend is the Lambda function suspend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

func main() { onaws.Main(catalog.Suspend, suspension.Open, suspension.Suspend) }
