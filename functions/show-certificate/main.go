// Code generated from the catalog; DO NOT EDIT.

// Command show-certificate is the Lambda function show-certificate.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() { onaws.Main(catalog.ShowCertificate, termination.Open, termination.Show, files.Archive) }
