//go:build !race

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// checkSuspended wants an API that answers whatever is asked of it by the page of suspended instances, for everybody, throttled; for all
// hosts that instances may have, where there is a certificate for them, and then under no other name.
func checkSuspended(d deployment) (wrong []string) {
	api, err := d.templates.one("AWS::ApiGatewayV2::Api", "Name", "fleet-"+d.stage+"-suspended")
	if err != nil {
		return []string{err.Error()}
	}
	routes := d.templates.of("AWS::ApiGatewayV2::Route", "ApiId", "<"+api.id+">")
	if len(routes) != 1 || routes[0].properties["RouteKey"] != "$default" || routes[0].properties["AuthorizationType"] != "NONE" {
		return []string{fmt.Sprintf("the hosts of suspended instances have %d routes, or not one for everything and everybody", len(routes))}
	}
	wrong = d.leadsTo(routes[0], catalog.ShowSuspended)
	stage, err := d.templates.one("AWS::ApiGatewayV2::Stage", "ApiId", "<"+api.id+">")
	if err != nil {
		return append(wrong, err.Error())
	}
	for _, limit := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
		if n, _ := at(stage.properties, "DefaultRouteSettings", limit).(float64); n <= 0 {
			wrong = append(wrong, "the page of suspended instances is not throttled by "+limit)
		}
	}
	certified := d.stage == "production"
	domains := d.templates.of("AWS::ApiGatewayV2::DomainName", "DomainName", "*.gimbal.example")
	mappings := d.templates.of("AWS::ApiGatewayV2::ApiMapping", "ApiId", "<"+api.id+">")
	if (len(domains) == 1) != certified || len(mappings) != len(domains) || api.properties["DisableExecuteApiEndpoint"] != certified {
		wrong = append(wrong, fmt.Sprintf("with a certificate, %t: %d wildcard domains with %d mappings; the API's own name is off: %v",
			certified, len(domains), len(mappings), api.properties["DisableExecuteApiEndpoint"]))
	}
	if certified && len(domains) == 1 && !strings.Contains(fmt.Sprint(domains[0].properties["DomainNameConfigurations"]), "certificate/2") {
		wrong = append(wrong, "the wildcard domain has another certificate")
	}
	return wrong
}

// TestSuspendedTarget: the stack tells what the CNAME must point at, or that it can't.
func TestSuspendedTarget(t *testing.T) {
	for _, c := range []struct {
		d             deployment
		says, reached string
	}{{ofProduction(), "What a CNAME of suspended.gimbal.example", "<SuspendedDomain"}, {ofStaging(), "no instance's host can lead there", "<Suspended"}} {
		output := at(c.d.whole("api"), "Outputs", "SuspendedTarget")
		if got := text(at(output, "Description")); !strings.Contains(got, c.says) || !strings.HasPrefix(text(at(output, "Value")), c.reached) {
			t.Errorf("stage %s: %s: %v", c.d.stage, got, at(output, "Value"))
		}
	}
}
