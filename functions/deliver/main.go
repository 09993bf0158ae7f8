// Code generated from the catalog; DO NOT EDIT.

// Command deliver is the Lambda function deliver.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/notice"
)

func main() { onaws.Main(catalog.Deliver, notice.Open, notice.Deliver) }
