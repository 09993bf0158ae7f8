// Code generated from the catalog; DO NOT EDIT.

// Command restore-host is the Lambda function restore-host.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.RestoreHost, dns.Open, dns.Restore) }
