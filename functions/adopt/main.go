// Code generated from the catalog; DO NOT EDIT.

// Command adopt is the Lambda function adopt.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/recheck"
)

func main() { onaws.Main(catalog.Adopt, recheck.Open, recheck.Adopt) }
