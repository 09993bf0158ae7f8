//go:build !race

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/store"
)

// checkKept wants what holds customers' data to outlive its stack in every stage but dev, where it goes with it.
func checkKept(d deployment) (wrong []string) {
	want, replaced := "RetainExceptOnCreate", "Retain" // what a first deployment made that then failed is empty
	if d.stage == "dev" {
		want, replaced = "Delete", "Delete"
	}
	n := 0
	for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"} {
		for _, r := range d.templates.all(kind) {
			if strings.HasPrefix(r.id, "MessagesKey") {
				continue // what is on its way is not kept
			}
			n++
			if r.whole["DeletionPolicy"] != want || r.whole["UpdateReplacePolicy"] != replaced {
				wrong = append(wrong, fmt.Sprintf("%s %s has the deletion policy %v, not %s", kind, r.id, r.whole["DeletionPolicy"], want))
			}
			if protected := r.properties["DeletionProtectionEnabled"]; kind == "AWS::DynamoDB::Table" && protected != (d.stage != "dev") {
				wrong = append(wrong, fmt.Sprintf("table %s: its deletion protection is %v", r.id, protected))
			}
		}
	}
	if n != 2+6+2 { // tables, buckets, keys
		wrong = append(wrong, fmt.Sprintf("there are %d resources that hold data, not 10", n))
	}
	return wrong
}

// checkTables wants the tables that internal/store/dynamo needs, encrypted by a key of ours, with a way back in time.
func checkTables(d deployment) (wrong []string) {
	for name, indexes := range map[string][]string{"fleet-" + d.stage: store.Indexes(), "fleet-" + d.stage + "-keys": nil} {
		r, err := d.templates.one("AWS::DynamoDB::Table", "TableName", name)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		p := r.properties
		if keys(p) != "pk HASH sk RANGE" {
			wrong = append(wrong, name+": its key is "+keys(p))
		}
		var got []string
		for _, index := range list(p["GlobalSecondaryIndexes"]) {
			of := text(at(index, "IndexName"))
			got = append(got, of)
			if k := keys(index); k != of+"_pk HASH "+of+"_sk RANGE" || at(index, "Projection", "ProjectionType") != "ALL" {
				wrong = append(wrong, name+": index "+of+" has the key "+k+", or not all attributes")
			}
		}
		if sorted(got) != sorted(slices.Clone(indexes)) {
			wrong = append(wrong, name+": its indexes are "+sorted(got))
		}
		if at(p, "SSESpecification", "SSEType") != "KMS" || !strings.HasPrefix(text(at(p, "SSESpecification", "KMSMasterKeyId")), "<RecordsKey") {
			wrong = append(wrong, name+": no key of ours encrypts it")
		}
		if at(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true || p["BillingMode"] != "PAY_PER_REQUEST" ||
			at(p, "TimeToLiveSpecification", "AttributeName") != "expires" {
			wrong = append(wrong, name+": it has no point-in-time recovery, is not on demand, or does not expire")
		}
	}
	// A destroyed data key must be gone for good when its certificate says so.
	if r, err := d.templates.one("AWS::DynamoDB::Table", "TableName", "fleet-"+d.stage+"-keys"); err == nil &&
		at(r.properties, "PointInTimeRecoverySpecification", "RecoveryPeriodInDays") != 1.0 {
		wrong = append(wrong, "the keys' table can be set back by more than a day")
	}
	return append(wrong, d.rotation()...)
}

func keys(of any) string {
	var all []string
	for _, k := range list(at(of, "KeySchema")) {
		all = append(all, text(at(k, "AttributeName")), text(at(k, "KeyType")))
	}
	return strings.Join(all, " ")
}

func (d deployment) rotation() (wrong []string) {
	for _, r := range d.templates.all("AWS::KMS::Key") {
		if r.properties["EnableKeyRotation"] != true {
			wrong = append(wrong, r.id+" is not rotated")
		}
	}
	return wrong
}

// checkBuckets wants each bucket private, encrypted, over TLS only, and kept for as long as it is for.
func checkBuckets(d deployment) (wrong []string) {
	for what, days := range map[string]map[string]float64{"releases": {}, "exports": {"requests/": 30, "progress/": 30, "ends/": 120}, "backups": {"": 90}, "history": {"": 365}, "audit": {"": 2557},
		"access-logs": {"": 90}} {
		r, err := d.templates.one("AWS::S3::Bucket", "BucketName", "fleet-"+d.stage+"-"+what+"-111122223333-us-east-1")
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if at(r.properties, "PublicAccessBlockConfiguration", setting) != true {
				wrong = append(wrong, "bucket "+what+": "+setting+" is off")
			}
		}
		if r.properties["BucketEncryption"] == nil || !d.onlyTLS(r.id) {
			wrong = append(wrong, "bucket "+what+" is not encrypted, or reached without TLS")
		}
		wrong = append(wrong, lifetimes(r, what, days)...)
		if what == "audit" {
			wrong = append(wrong, d.locked(r)...)
		}
	}
	return wrong
}

// lifetimes wants a bucket's objects deleted after so many days, by what their keys begin with, and with them the versions that are left of
// them; and uploads that were never ended after two.
func lifetimes(bucket resource, what string, want map[string]float64) (wrong []string) {
	got := map[string]float64{}
	var uploads any
	for _, rule := range list(at(bucket.properties, "LifecycleConfiguration", "Rules")) {
		prefix := text(at(rule, "Prefix"))
		if at(rule, "Status") != "Enabled" || at(rule, "TagFilters") != nil {
			continue
		}
		if parts := at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"); parts != nil && prefix == "" {
			uploads = parts
		}
		if after, ok := at(rule, "ExpirationInDays").(float64); ok {
			got[prefix] = after
			if left := at(rule, "NoncurrentVersionExpiration", "NoncurrentDays"); left != 1.0 {
				wrong = append(wrong, fmt.Sprintf("bucket %s keeps what was deleted for %v days, not 1", what, left))
			}
		}
	}
	for one := range got {
		for other := range got {
			if one != other && strings.HasPrefix(one, other) {
				wrong = append(wrong, fmt.Sprintf("bucket %s: the rules of %q and %q overlap, and the shorter one holds", what, one, other))
			}
		}
	}
	if !maps.Equal(got, want) {
		wrong = append(wrong, fmt.Sprintf("bucket %s keeps its objects for days as in %v, not %v", what, got, want))
	}
	if uploads != 2.0 {
		wrong = append(wrong, fmt.Sprintf("bucket %s keeps the parts of what was never ended for %v days, not 2", what, uploads))
	}
	return wrong
}

func (d deployment) locked(r resource) (wrong []string) {
	mode := "GOVERNANCE"
	if d.stage == "production" {
		mode = "COMPLIANCE"
	}
	retention := at(r.properties, "ObjectLockConfiguration", "Rule", "DefaultRetention")
	if r.properties["ObjectLockEnabled"] != true || at(retention, "Mode") != mode || at(retention, "Days") != 2557.0 {
		wrong = append(wrong, fmt.Sprintf("the audit archive is locked by %v for %v days, not %s", at(retention, "Mode"), at(retention, "Days"), mode))
	}
	return wrong
}

// onlyTLS reports whether a bucket's policy refuses what comes without TLS.
func (d deployment) onlyTLS(bucket string) bool {
	return slices.ContainsFunc(d.templates.all("AWS::S3::BucketPolicy"), func(p resource) bool {
		return text(p.properties["Bucket"]) == "<"+bucket+">" && slices.ContainsFunc(list(at(p.properties, "PolicyDocument", "Statement")), func(s any) bool {
			return at(s, "Effect") == "Deny" && text(at(s, "Condition", "Bool", "aws:SecureTransport")) == "false"
		})
	})
}

// checkRoutes wants each route of the catalog, for those whom the catalog says, and no other.
func checkRoutes(d deployment) (wrong []string) {
	n := 0
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.HTTP {
			continue
		}
		n++
		r, err := d.templates.one("AWS::ApiGatewayV2::Route", "RouteKey", f.Route)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		want := map[catalog.Access]string{catalog.Operators: "AWS_IAM", catalog.Public: "NONE"}[f.Access]
		if got := text(r.properties["AuthorizationType"]); got != want || want == "" {
			wrong = append(wrong, fmt.Sprintf("route %s is for %s, not %s", f.Route, got, want))
		}
		wrong = append(wrong, d.leadsTo(r, f)...)
		if strings.HasPrefix(text(r.properties["ApiId"]), "<Suspended") {
			wrong = append(wrong, "route "+f.Route+" is at the hosts of suspended instances")
		}
	}
	n += len(d.templates.of("AWS::ApiGatewayV2::Route", "RouteKey", "$default")) // checkSuspended's
	if got := len(d.templates.all("AWS::ApiGatewayV2::Route")); got != n {
		wrong = append(wrong, fmt.Sprintf("there are %d routes, and %d in the catalog", got, n))
	}
	for _, s := range d.templates.all("AWS::ApiGatewayV2::Stage") {
		if format := text(at(s.properties, "AccessLogSettings", "Format")); !strings.Contains(format, "$context.routeKey") || strings.Contains(strings.ToLower(format), "path") {
			wrong = append(wrong, "the access log must name routes and no paths, which hold links that decide")
		}
		if rate, _ := at(s.properties, "DefaultRouteSettings", "ThrottlingRateLimit").(float64); rate <= 0 || at(s.properties, "AccessLogSettings", "DestinationArn") == nil {
			wrong = append(wrong, "the API is not throttled, or not logged")
		}
	}
	return wrong
}

// leadsTo wants a route to lead to a function.
func (d deployment) leadsTo(route resource, f catalog.Function) (wrong []string) {
	integration, _ := d.templates["api"][integrationOf(route)].(map[string]any)
	if uri := text(at(integration, "Properties", "IntegrationUri")); !strings.HasSuffix(uri, ":function:fleet-"+d.stage+"-"+f.Name) {
		wrong = append(wrong, "route "+text(route.properties["RouteKey"])+" leads to "+uri)
	}
	return wrong
}

// integrationOf is the logical id in a route's target, "integrations/<id>".
func integrationOf(route resource) string {
	_, id, _ := strings.Cut(text(route.properties["Target"]), "/")
	return strings.Trim(id, "<>")
}

// checkAlarms wants a dead man's alarm for each sweep, one for each workflow, and those of the queue and the API; and all of them heard.
func checkAlarms(d deployment) (wrong []string) {
	watched := map[string]bool{}
	for _, a := range d.templates.all("AWS::CloudWatch::Alarm") {
		p := a.properties
		for _, of := range append(list(p["Dimensions"]), dimensions(p)...) {
			watched[text(at(of, "Value"))] = true
		}
		if !strings.Contains(text(list(p["AlarmActions"])[0]), "Incidents") {
			wrong = append(wrong, "nobody hears of alarm "+a.id)
		}
		if p["MetricName"] == "Invocations" && (p["TreatMissingData"] != "breaching" || p["ComparisonOperator"] != "LessThanThreshold") {
			wrong = append(wrong, "alarm "+a.id+" is silent where there is no data")
		}
	}
	want := []string{"fleet-" + d.stage + "-dead-letters"}
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			want = append(want, "fleet-"+d.stage+"-"+f.Name)
		}
	}
	for _, w := range catalog.Workflows() {
		want = append(want, "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-"+d.stage+"-"+w)
	}
	for _, name := range want {
		if !watched[name] {
			wrong = append(wrong, "no alarm watches "+name)
		}
	}
	return wrong
}

// dimensions are those of an alarm over several metrics.
func dimensions(alarm map[string]any) (all []any) {
	for _, m := range list(alarm["Metrics"]) {
		all = append(all, list(at(m, "MetricStat", "Metric", "Dimensions"))...)
	}
	return all
}

func checkCount(d deployment) (wrong []string) {
	for name, r := range d.templates {
		if len(r) >= 500 {
			wrong = append(wrong, fmt.Sprintf("stack %s has %d resources", name, len(r)))
		}
	}
	return wrong
}

// TestTemplatesFit: CloudFormation takes a template of a million bytes, and each function adds thousands.
func TestTemplatesFit(t *testing.T) {
	for _, d := range everyDeployment() {
		for name := range d.templates {
			if n := d.bytes(name); n >= 900_000 {
				t.Errorf("stage %s: the template of stack %s has %d bytes", d.stage, name, n)
			}
		}
	}
}

// TestTopic: incidents and alarms get to those who are paged, over TLS and encrypted.
func TestTopic(t *testing.T) {
	template := ofProduction().asserted("data")
	template.ResourceCountIs(jsii.String("AWS::SNS::Topic"), jsii.Number(1))
	template.HasResourceProperties(jsii.String("AWS::SNS::Topic"), map[string]any{"KmsMasterKeyId": assertions.Match_AnyValue()})
	template.HasResourceProperties(jsii.String("AWS::SNS::Subscription"), map[string]any{"Protocol": "email", "Endpoint": "operators@gimbal.example"})
	template.HasResourceProperties(jsii.String("AWS::SNS::TopicPolicy"), map[string]any{"PolicyDocument": map[string]any{
		"Statement": assertions.Match_ArrayWith(&[]any{
			assertions.Match_ObjectLike(&map[string]any{"Effect": "Deny", "Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}}),
		})}})
}

// TestOptional: what the context may ask for besides.
func TestOptional(t *testing.T) {
	d := ofProduction()
	api := d.asserted("api")
	api.HasResourceProperties(jsii.String("AWS::ApiGatewayV2::DomainName"), map[string]any{"DomainName": "fleet.gimbal.example"})
	api.ResourceCountIs(jsii.String("AWS::ApiGatewayV2::ApiMapping"), jsii.Number(2)) // the page of suspended instances has a domain, too
	for _, role := range d.templates.all("AWS::IAM::Role") {
		if got := text(role.properties["PermissionsBoundary"]); got != "arn:aws:iam::111122223333:policy/boundary" {
			t.Errorf("role %s is bounded by %q", role.id, got)
		}
	}
	for _, c := range []struct {
		d    deployment
		want string
	}{{ofDev(), "<ApiF70053CD>"}, {d, "https://fleet.gimbal.example"}, {ofStaging(), "https://fleet.gimbal.example"}} {
		r, err := c.d.templates.one("AWS::Lambda::Function", "FunctionName", "fleet-"+c.d.stage+"-signup")
		if err != nil {
			t.Fatal(err)
		}
		if got := text(at(r.properties, "Environment", "Variables", "FLEET_PUBLIC_URL")); got != c.want {
			t.Errorf("stage %s tells customers %q, want %q", c.d.stage, got, c.want)
		}
	}
}
