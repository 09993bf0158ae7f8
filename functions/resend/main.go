// Code generated from the catalog; DO NOT EDIT.

// Command resend is the Lambda function resend.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/steps/notice"
)

func main() { onaws.Main(catalog.Resend, notice.Open, notice.Resend) }
