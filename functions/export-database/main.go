// Code generated from the catalog; DO NOT EDIT.

// Command export-database is the Lambda function export-database.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/export"
)

func main() {
	onaws.Main(catalog.ExportDatabase, export.Open, export.Database, databases.Open, files.Exports)
}
