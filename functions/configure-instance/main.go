// Code generated from the catalog; DO NOT EDIT.

// Command configure-instance is the Lambda function configure-instance.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/steps/database"
)

func main() { onaws.Main(catalog.ConfigureInstance, database.Open, database.Configure, databases.Open) }
