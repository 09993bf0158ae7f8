// Code generated from the catalog; DO NOT EDIT.

// Command point-host is the Lambda function point-host.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.PointHost, dns.Open, dns.Point) }
