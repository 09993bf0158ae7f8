// Code generated from the catalog; DO NOT EDIT.

// Command await-certificate is the Lambda function await-certificate.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/health"
)

func main() { onaws.Main(catalog.AwaitCertificate, health.Open, health.AwaitCertificate) }
