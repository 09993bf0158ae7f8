// Code generated from the catalog; DO NOT EDIT.

// Command enable-email is the Lambda function enable-email.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/email"
)

func main() { onaws.Main(catalog.EnableEmail, email.Open, email.Enable) }
