// Code generated from the catalog; DO NOT EDIT.

// Command notify-customer is the Lambda function notify-customer.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/files"
	"github.com/project-gimbal/fleet/internal/steps/notice"
)

func main() { onaws.Main(catalog.NotifyCustomer, notice.Open, notice.Customer, files.History) }
