// Code generated from the catalog; DO NOT EDIT.

// Command create-sms-account is the Lambda function create-sms-account.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/sms"
)

func main() { onaws.Main(catalog.CreateSMSAccount, sms.Open, sms.Create) }
