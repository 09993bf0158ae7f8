// Code generated from the catalog; DO NOT EDIT.

// Command give-download is the Lambda function give-download.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/onaws/trigger"
	"github.com/project-gimbal/fleet/internal/steps/download"
)

func main() {
	onaws.Main(catalog.GiveDownload, download.Open, download.Give, trigger.Open, files.Exports)
}
