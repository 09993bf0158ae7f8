// Code generated from the catalog; DO NOT EDIT.

// Command compare is the Lambda function compare.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/sweep"
)

func main() { onaws.Main(catalog.Compare, sweep.Open, sweep.Compare) }
