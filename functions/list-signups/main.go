// Code generated from the catalog; DO NOT EDIT.

// Command list-signups is the Lambda function list-signups.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/signup"
)

func main() { onaws.Main(catalog.ListSignups, signup.Open, signup.List) }
