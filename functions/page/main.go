// Code generated from the catalog; DO NOT EDIT.

// Command page is the Lambda function page.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/topic"
	"github.com/project-gimbal/fleet/internal/steps/incident"
)

func main() { onaws.Main(catalog.Page, incident.Open, incident.Page, topic.Open) }
