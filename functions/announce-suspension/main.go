// Code generated from the catalog; DO NOT EDIT.

// Command announce-suspension is the Lambda function announce-suspension.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/notice"
)

func main() { onaws.Main(catalog.AnnounceSuspension, notice.Open, notice.Suspended) }
