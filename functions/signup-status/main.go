// Code generated from the catalog; DO NOT EDIT.

// Command signup-status is the Lambda function signup-status.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/signup"
)

func main() { onaws.Main(catalog.SignupStatus, signup.Open, signup.Status) }
