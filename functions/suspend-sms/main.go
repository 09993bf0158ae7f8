// Code generated from the catalog; DO NOT EDIT.

// Command suspend-sms is the Lambda function suspend-sms.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/sms"
)

func main() { onaws.Main(catalog.SuspendSMS, sms.Open, sms.Suspend) }
