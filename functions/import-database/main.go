// Code generated from the catalog; DO NOT EDIT.

// Command import-database is the Lambda function import-database.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/intake"
)

func main() {
	onaws.Main(catalog.ImportDatabase, intake.Open, intake.Database, databases.Open, files.Exports)
}
