// Code generated from the catalog; DO NOT EDIT.

// Command migrate-database is the Lambda function migrate-database.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/steps/database"
)

func main() { onaws.Main(catalog.MigrateDatabase, database.Open, database.Migrate, databases.Open) }
