// Code generated from the catalog; DO NOT EDIT.

// Command remove-sms-account is the Lambda function remove-sms-account.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/sms"
)

func main() { onaws.Main(catalog.RemoveSMSAccount, sms.Open, sms.Remove) }
