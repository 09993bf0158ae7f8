// Code generated from the catalog; DO NOT EDIT.

// Command create-admin is the Lambda function create-admin.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/steps/admin"
)

func main() { onaws.Main(catalog.CreateAdmin, admin.Open, admin.Create, databases.Open) }
