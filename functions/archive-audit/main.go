// Code generated from the catalog; DO NOT EDIT.

// Command archive-audit is the Lambda function archive-audit.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/termination"
)

func main() {
	onaws.Main(catalog.ArchiveAudit, termination.Open, termination.ArchiveAudit, files.Archive)
}
