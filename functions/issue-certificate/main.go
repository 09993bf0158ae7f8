// Code generated from the catalog; DO NOT EDIT.

// Command issue-certificate is the Lambda function issue-certificate.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() {
	onaws.Main(catalog.IssueCertificate, termination.Open, termination.IssueCertificate, files.Archive, files.History)
}
