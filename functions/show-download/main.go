// Code generated from the catalog; DO NOT EDIT.

// Command show-download is the Lambda function show-download.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/download"
)

func main() { onaws.Main(catalog.ShowDownload, download.Open, download.Show) }
