// Code generated from the catalog; DO NOT EDIT.

// Command give-notice is the Lambda function give-notice.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
)

func main() { onaws.Main(catalog.GiveNotice, decommission.Open, decommission.GiveNotice) }
