// Code generated from the catalog; DO NOT EDIT.

// Command confirm-termination is the Lambda function confirm-termination.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() {
	onaws.Main(catalog.ConfirmTermination, termination.Open, termination.Confirm, files.Exports)
}
