// Code generated from the catalog; DO NOT EDIT.

// Command announce-resumption is the Lambda function announce-resumption.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/notice"
)

func main() { onaws.Main(catalog.AnnounceResumption, notice.Open, notice.Resumed) }
