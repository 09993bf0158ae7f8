// Code generated from the catalog; DO NOT EDIT.

// Command protect-host is the Lambda function protect-host.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.ProtectHost, dns.Open, dns.Protect) }
