package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// api is the stack of the API's routes and of what stands before them.
type api struct {
	stack awscdk.Stack
}

// How many requests a second the API lets through, and how many at once: far over what people need, far under what would cost
// much or crowd the workflows' functions out.
const (
	requestsPerSecond = 20
	requestsAtOnce    = 40
)

func newAPI(stack awscdk.Stack, c Config, n names, w *workflows) *api {
	a := &api{stack: stack}
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.HTTP {
			a.route(f, n, w.api)
		}
	}
	stage := a.stage("", n.accessLogs(), w.api, c.DetailedMetrics)
	if c.CustomDomain != "" {
		domain := a.domain("", c.CustomDomain, c.Certificate, w.api, stage)
		awscdk.NewCfnOutput(stack, jsii.String("DomainTarget"), &awscdk.CfnOutputProps{Value: domain.RegionalDomainName(),
			Description: jsii.String("What a CNAME of " + c.CustomDomain + " must point at")})
	}
	a.suspended(c, n)
	awscdk.NewCfnOutput(stack, jsii.String("Url"), &awscdk.CfnOutputProps{Value: jsii.String(w.publicURL()),
		Description: jsii.String("Where the API is reached")})
	return a
}

// route leads to a function. An operators' one is for those whom IAM lets call it; a public one checks by itself what it is
// given.
func (a *api) route(f catalog.Function, n names, http awsapigatewayv2.HttpApi) {
	method, path, _ := strings.Cut(f.Route, " ")
	props := &awsapigatewayv2.HttpRouteProps{
		HttpApi:     http,
		RouteKey:    awsapigatewayv2.HttpRouteKey_With(&path, awsapigatewayv2.HttpMethod(method)),
		Integration: a.integration(f, n),
	}
	switch f.Access {
	case catalog.Operators:
		props.Authorizer = awsapigatewayv2authorizers.NewHttpIamAuthorizer()
	case catalog.Public:
		props.Authorizer = awsapigatewayv2.NewHttpNoneAuthorizer()
	default:
		panic("the catalog does not say who may call " + f.Name)
	}
	route := awsapigatewayv2.NewHttpRoute(a.stack, jsii.String(f.State()), props)
	if f.Access == catalog.Public {
		accept(route, "AwsSolutions-APIG4", "It is public: the webhook and a link to a decision or a download prove themselves by their signatures, and a signup's status, for which its id is asked, says nothing personal.")
	}
}

func (a *api) integration(f catalog.Function, n names) awsapigatewayv2.HttpRouteIntegration {
	function := awslambda.Function_FromFunctionAttributes(a.stack, jsii.String(f.State()+"Function"), &awslambda.FunctionAttributes{
		FunctionArn: jsii.String(n.functionARN(f.Name)), SameEnvironment: jsii.Bool(true)})
	return awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String(f.State()), function, nil)
}

// stage is an API's only one. Its access log has no addresses of people; the request's id leads to the function's log.
func (a *api) stage(id, logs string, http awsapigatewayv2.HttpApi, detailed bool) awsapigatewayv2.CfnStage {
	group := logGroup(a.stack, "AccessLogs"+id, logs)
	format := encoded(map[string]string{
		"request": "$context.requestId", "at": "$context.requestTime", "route": "$context.routeKey", "status": "$context.status",
		"milliseconds": "$context.responseLatency", "bytes": "$context.responseLength", "error": "$context.integrationErrorMessage",
		"caller": "$context.identity.userArn",
	})
	stage := awsapigatewayv2.NewCfnStage(a.stack, jsii.String(id+"Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      http.ApiId(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: jsii.String(arn("logs", "log-group:"+logs)), Format: &format},
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{DetailedMetricsEnabled: &detailed,
			ThrottlingRateLimit: jsii.Number(requestsPerSecond), ThrottlingBurstLimit: jsii.Number(requestsAtOnce)},
	})
	stage.Node().AddDependency(group)
	return stage
}

// domain has an API answer for a host name of one's own.
func (a *api) domain(id, name, certificate string, http awsapigatewayv2.HttpApi, stage awsapigatewayv2.CfnStage) awsapigatewayv2.DomainName {
	domain := awsapigatewayv2.NewDomainName(a.stack, jsii.String(id+"Domain"), &awsapigatewayv2.DomainNameProps{
		DomainName:     &name,
		Certificate:    awscertificatemanager.Certificate_FromCertificateArn(a.stack, jsii.String(id+"Certificate"), &certificate),
		SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
	})
	mapping := awsapigatewayv2.NewCfnApiMapping(a.stack, jsii.String(id+"DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: http.ApiId(), DomainName: domain.Name(), Stage: stage.StageName()})
	mapping.AddResourceDependency(stage, nil)
	return domain
}
