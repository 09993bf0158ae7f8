// Code generated from the catalog; DO NOT EDIT.

// Command signup is the Lambda function signup.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/signup"
)

func main() { onaws.Main(catalog.Signup, signup.Open, signup.Receive) }
