// Code generated from the catalog; DO NOT EDIT.

// Command reactivate-sms is the Lambda function reactivate-sms.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/sms"
)

func main() { onaws.Main(catalog.ReactivateSMS, sms.Open, sms.Reactivate) }
