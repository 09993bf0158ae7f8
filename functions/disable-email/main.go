// Code generated from the catalog; DO NOT EDIT.

// Command disable-email is the Lambda function disable-email.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/email"
)

func main() { onaws.Main(catalog.DisableEmail, email.Open, email.Disable) }
