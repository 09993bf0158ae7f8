// Code generated from the catalog; DO NOT EDIT.

// Command remove-email-account is the Lambda function remove-email-account.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/email"
)

func main() { onaws.Main(catalog.RemoveEmailAccount, email.Open, email.Remove) }
