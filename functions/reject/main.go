// Code generated from the catalog; DO NOT EDIT.

// Command reject is the Lambda function reject.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/signup"
)

func main() { onaws.Main(catalog.Reject, signup.Open, signup.Reject) }
