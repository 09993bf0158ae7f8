// Code generated from the catalog; DO NOT EDIT.

// Command configure-dns is the Lambda function configure-dns.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.ConfigureDNS, dns.Open, dns.Configure) }
