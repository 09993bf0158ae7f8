// Code generated from the catalog; DO NOT EDIT.

// Command await-mail-domain is the Lambda function await-mail-domain.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/email"
)

func main() { onaws.Main(catalog.AwaitMailDomain, email.Open, email.AwaitDomain) }
