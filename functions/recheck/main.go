// Code generated from the catalog; DO NOT EDIT.

// Command recheck is the Lambda function recheck.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/recheck"
)

func main() { onaws.Main(catalog.Recheck, recheck.Open, recheck.LookAgain) }
