// Code generated from the catalog; DO NOT EDIT.

// Command proxy-dns is the Lambda function proxy-dns.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.ProxyDNS, dns.Open, dns.Proxy) }
