// Code generated from the catalog; DO NOT EDIT.

// Command remove-dns is the Lambda function remove-dns.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.RemoveDNS, dns.Open, dns.Remove) }
