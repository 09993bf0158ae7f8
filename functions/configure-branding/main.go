// Code generated from the catalog; DO NOT EDIT.

// Command configure-branding is the Lambda function configure-branding.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/databases"
	"github.com/project-gimbal/fleet/internal/steps/branding"
)

func main() { onaws.Main(catalog.ConfigureBranding, branding.Open, branding.Configure, databases.Open) }
