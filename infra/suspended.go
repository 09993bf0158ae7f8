package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// suspended is an API of its own for the hosts of suspended instances: none of Fleet's routes is there, and its answers, which are errors
// to whoever counts them, are no errors of Fleet's. Cloudflare asks it by the instance's own name, so it answers for all there may be.
func (a *api) suspended(c Config, n names) {
	own := c.SuspendedCertificate == ""
	http := awsapigatewayv2.NewHttpApi(a.stack, jsii.String("Suspended"), &awsapigatewayv2.HttpApiProps{
		ApiName:                   jsii.String(n.of("suspended")),
		Description:               jsii.String("Gimbal Fleet, stage " + c.Stage + ": the page of suspended instances"),
		CreateDefaultStage:        jsii.Bool(false),
		DisableExecuteApiEndpoint: jsii.Bool(!own),
	})
	route := awsapigatewayv2.NewHttpRoute(a.stack, jsii.String(catalog.ShowSuspended.State()), &awsapigatewayv2.HttpRouteProps{
		HttpApi:     http,
		RouteKey:    awsapigatewayv2.HttpRouteKey_DEFAULT(),
		Integration: a.integration(catalog.ShowSuspended, n),
		Authorizer:  awsapigatewayv2.NewHttpNoneAuthorizer(),
	})
	accept(route, "AwsSolutions-APIG4", "It is public: it shows everybody the same page, by a function that may do nothing.")
	stage := a.stage("Suspended", n.suspendedLogs(), http, false)
	var target *string
	var description string
	if own {
		target = http.ApiEndpoint()
		description = "The page of suspended instances, for a look: no instance's host can lead there without suspendedCertificate"
	} else {
		target = a.domain("Suspended", "*."+c.Domain, c.SuspendedCertificate, http, stage).RegionalDomainName()
		description = "What a CNAME of " + c.SuspendedHost + ", not proxied, must point at"
	}
	awscdk.NewCfnOutput(a.stack, jsii.String("SuspendedTarget"), &awscdk.CfnOutputProps{Value: target, Description: &description})
}
