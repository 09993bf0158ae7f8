// Code generated from the catalog; DO NOT EDIT.

// Command publish-mail-dns is the Lambda function publish-mail-dns.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/dns"
)

func main() { onaws.Main(catalog.PublishMailDNS, dns.Open, dns.PublishMail) }
