// Code generated from the catalog; DO NOT EDIT.

// Command overdue is the Lambda function overdue.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/overdue"
)

func main() { onaws.Main(catalog.Overdue, overdue.Open, overdue.Tell) }
