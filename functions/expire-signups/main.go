// Code generated from the catalog; DO NOT EDIT.

// Command expire-signups is the Lambda function expire-signups.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/signup"
)

func main() { onaws.Main(catalog.ExpireSignups, signup.Open, signup.Expire) }
