// Code generated from the catalog; DO NOT EDIT.

// Command show-decision is the Lambda function show-decision.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/decision"
)

func main() { onaws.Main(catalog.ShowDecision, decision.Open, decision.Show) }
