// Code generated from the catalog; DO NOT EDIT.

// Command settle-import is the Lambda function settle-import.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/intake"
)

func main() { onaws.Main(catalog.SettleImport, intake.Open, intake.Settle) }
