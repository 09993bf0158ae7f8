package onaws

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// complete is a production configuration with everything that any function may need.
func complete() map[string]string {
	return map[string]string{
		"FLEET_STAGE":          "production",
		"FLEET_TABLE":          "fleet",
		"FLEET_KEYS_TABLE":     "fleet-keys",
		"FLEET_KMS_KEY":        "arn:aws:kms:us-east-1:111122223333:key/1234",
		"FLEET_STATE_MACHINES": "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-",
		"FLEET_ADMIT_FUNCTION": "fleet-admit", "FLEET_DELIVER_FUNCTION": "fleet-deliver",
		"FLEET_INCIDENT_TOPIC": "arn:aws:sns:us-east-1:111122223333:fleet-incidents",
		"FLEET_LOG_GROUPS":     "/fleet/functions, /fleet/workflows",
		"FLEET_SLOTS":          "3",
		"FLEET_PUBLIC_URL":     "https://fleet.gimbal.app/",
		"FLEET_AUTO_APPROVE":   "flat, usage",
		"FLEET_DOMAIN":         "gimbal.app",
		"FLEET_CREDENTIALS": `{"webhook-secret":"aws-sm:w","operator-token":"aws-sm:o","link-secret":"aws-sm:l","supabase-token":"aws-sm:fleet/supabase",
			"vercel-token":"aws-sm:v","cloudflare-token":"aws-sm:c","twilio-token":"aws-sm:t","sendgrid-key":"aws-sm:s"}`,
		"FLEET_RELEASE":               "s3://releases/frontend/v1",
		"FLEET_SUPABASE_ORGANIZATION": "org",
		"FLEET_VERCEL_TEAM":           "team_1",
		"FLEET_CLOUDFLARE_ZONE":       "zone",
		"FLEET_SUSPENDED_HOST":        "suspended.gimbal.app",
		"FLEET_TWILIO_ACCOUNT":        "AC1",
		"FLEET_SENDGRID_IPS":          "192.0.2.1, 192.0.2.2",
		"FLEET_MAIL_FROM":             "hello@gimbal.app",
		"FLEET_OPERATOR_MAIL":         "operators@gimbal.app",
		"FLEET_EXPORTS":               "fleet-exports",
		"FLEET_ARCHIVE":               "fleet-audit",
		"FLEET_HISTORY":               "fleet-history",
		"FLEET_SCHEDULE_GROUP":        "fleet-production",
		"FLEET_CALENDAR": `{"group":"fleet-production-once","function":"arn:aws:lambda:us-east-1:111122223333:function:fleet-production-due",
			"role":"arn:aws:iam::111122223333:role/fleet-calendar","dead_letters":"arn:aws:sqs:us-east-1:111122223333:fleet-production-dead-letters"}`,
		"FLEET_DEAD_LETTERS": "https://sqs.us-east-1.amazonaws.com/111122223333/fleet-production-dead-letters",
		"FLEET_QUOTAS":       `{"sendgrid-subusers":15,"dns-records":3500,"vercel-projects":0}`,
	}
}

func from(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// everything is a function with every grant there is.
func everything() catalog.Function {
	f := catalog.Function{Name: catalog.Admit.Name}
	for _, other := range catalog.Functions() {
		f.Grants = append(f.Grants, other.Grants...)
	}
	return f
}

// reading is a function that reads a variable: every function there is in one, but for what only some functions read by their names.
func reading(variable string) catalog.Function {
	switch variable {
	case "FLEET_PUBLIC_URL", "FLEET_AUTO_APPROVE":
		return catalog.Deliver
	}
	return everything()
}

// TestEveryFunctionParses: a complete configuration suits each function of the catalog.
func TestEveryFunctionParses(t *testing.T) {
	for _, f := range append(catalog.Functions(), everything()) {
		if _, err := parse(f, from(complete())); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestParsed(t *testing.T) {
	variables := complete()
	if c, err := parse(everything(), from(variables)); err != nil || !c.Settings.UnpaidLock() {
		t.Errorf("without a word about it unpaid bills are in nobody's way: %v", err)
	}
	variables["FLEET_LIMITS"], variables["FLEET_TERMINATIONS_A_DAY"], variables["FLEET_UNPAID_LOCK"] = `{"supabase":300}`, "12", "false" // optional
	c, err := parse(everything(), from(variables))
	if err != nil {
		t.Fatal(err)
	}
	arn, ok := c.StateMachines.ARN("provision")
	if !ok || arn != "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-provision" {
		t.Errorf("provision is %q", arn)
	}
	if want := (Location{S3, "releases", "frontend/v1/"}); c.Release != want {
		t.Errorf("the release is at %+v, want %+v", c.Release, want)
	}
	if want := (Reference{SecretsManager, "fleet/supabase"}); c.Credentials[provider.SupabaseToken] != want {
		t.Errorf("the credential is %+v, want %+v", c.Credentials[provider.SupabaseToken], want)
	}
	if c.IncidentTopic != "arn:aws:sns:us-east-1:111122223333:fleet-incidents" || len(c.LogGroups) != 2 || c.LogGroups[1] != "/fleet/workflows" {
		t.Errorf("the topic is %q, the log groups are %q", c.IncidentTopic, c.LogGroups)
	}
	if c.Settings.Slots != 3 || c.Settings.TerminationsADay != 12 || c.Settings.UnpaidLock() || len(c.Vendors.SendGridIPs) != 2 || c.Vendors.SendGridIPs[1] != "192.0.2.2" {
		t.Errorf("got %+v, %+v", c.Settings, c.Vendors)
	}
	if b, ok := c.Settings.Limits.Of("supabase"); !ok || b.Limit != 300 {
		t.Errorf("supabase's budget is %+v", b)
	}
	if c.ScheduleGroup != "fleet-production" || c.Settings.Quotas[step.SendGridSubusers] != 15 || c.Settings.Quotas[step.SupabaseProjects] != 0 {
		t.Errorf("the group is %q, the quotas are %v", c.ScheduleGroup, c.Settings.Quotas)
	}
	if c.Endpoints.Supabase != provider.Production().Supabase || c.Endpoints.Edge.Dial != nil {
		t.Errorf("the endpoints aren't the vendors'")
	}
	signup, err := parse(catalog.Signup, from(complete()))
	if err != nil || signup.Settings.PublicURL != "https://fleet.gimbal.app" {
		t.Errorf("the public URL is %q, %v", signup.Settings.PublicURL, err)
	}
}

// TestNeedsOnlyWhatIsGranted: a function without a grant needs nothing of what the grant is for.
func TestNeedsOnlyWhatIsGranted(t *testing.T) {
	few := map[string]string{"FLEET_STAGE": "production", "FLEET_DOMAIN": "gimbal.app", "FLEET_TABLE": "fleet"}
	if _, err := parse(catalog.SignupStatus, from(few)); err != nil {
		t.Error(err)
	}
	c, err := parse(catalog.RemoveSMSAccount, from(complete()))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Credentials) != 1 || c.Vendors.CloudflareZone != "" || c.KeysTable != "" || c.AdmitFunction != "" {
		t.Errorf("it got what it isn't granted: %+v", c)
	}
}

// TestInspects: the webhook secret's place is known where its age is asked for, and its value is not to be had there.
func TestInspects(t *testing.T) {
	variables := complete()
	variables["FLEET_QUOTAS"] = "{}"
	c, err := parse(catalog.Doctor, from(variables))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Reference{SecretsManager, "w"}); c.Credentials[step.WebhookSecret] != want || len(c.Credentials) != 7 {
		t.Errorf("the credentials are %+v, want the webhook secret, the link secret and the vendors'", c.Credentials)
	}
	b := builder{entry: catalog.Doctor, config: c, clock: clock.System()}
	if _, err := b.credentials().Get(t.Context(), step.WebhookSecret); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "not granted") {
		t.Errorf("the webhook secret's value: %v", err)
	}
	variables["FLEET_CREDENTIALS"] = strings.Replace(variables["FLEET_CREDENTIALS"], "webhook-secret", "another", 1)
	if _, err := parse(catalog.Doctor, from(variables)); err == nil || !strings.Contains(err.Error(), "FLEET_CREDENTIALS is wrong") {
		t.Errorf("without the webhook secret's place: %v", err)
	}
}

// TestMissing: each variable that is needed is named when it is missing.
func TestMissing(t *testing.T) {
	for name := range complete() {
		f := reading(name)
		variables := complete()
		delete(variables, name)
		if _, err := parse(f, from(variables)); err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestWrong: a wrong value is refused by the variable's name, and isn't repeated.
func TestWrong(t *testing.T) {
	const repeated = "s3cr3t"
	for name, values := range map[string][]string{
		"FLEET_STAGE":      {"Production", "a b"},
		"FLEET_TABLE":      {"x", "a table"},
		"FLEET_KEYS_TABLE": {"arn:aws:dynamodb:x"},
		"FLEET_KMS_KEY":    {"alias/x", "file:", "file:/key", "arn:aws:kms:us-east-1:1:key/x"},
		"FLEET_STATE_MACHINES": {"fleet-", "{}", `{"provision":"arn:aws:states:us-east-1:111122223333:stateMachine:p"}`, `{"provision":1}`, "[]", "{",
			"arn:aws:states:us-east-1:111122223333:stateMachine:fleet:live",
			`{"provision":"arn:aws:states:us-east-1:111122223333:stateMachine:p:","teardown":"arn:aws:states:us-east-1:111122223333:stateMachine:t"}`},
		"FLEET_ADMIT_FUNCTION":     {"a function", "arn:aws:lambda:us-east-1:1:function:x"},
		"FLEET_INCIDENT_TOPIC":     {"incidents", "arn:aws:sqs:us-east-1:111122223333:x", "arn:aws:sns:us-east-1:1:x"},
		"FLEET_LOG_GROUPS":         {"a b", "/fleet/functions,", ",", strings.Repeat("x,", 50) + "x"},
		"FLEET_SLOTS":              {"-1", "1001", "many", "3.5"},
		"FLEET_PUBLIC_URL":         {"fleet.gimbal.app", "ftp://x", "https://", "https://x?y", "https://x/#", "https://a@x"},
		"FLEET_AUTO_APPROVE":       {"free", "flat usage", "flat,", "none,flat", "Flat"},
		"FLEET_DOMAIN":             {"gimbal", "https://gimbal.app", "gimbal.app."},
		"FLEET_CREDENTIALS":        {repeated, "{}", `{"supabase-token":"` + repeated + `"}`, `{"supabase-token":"aws-sm:"}`, `{}{}`},
		"FLEET_RELEASE":            {"releases", "s3://", "s3:///x", "file:/srv/release"},
		"FLEET_SENDGRID_IPS":       {"x", "192.0.2.1,", "2001:db8::1"},
		"FLEET_MAIL_FROM":          {"hello", "Gimbal<hello@gimbal.app>"},
		"FLEET_OPERATOR_MAIL":      {"hello"},
		"FLEET_TWILIO_ACCOUNT":     {"A C"},
		"FLEET_SUSPENDED_HOST":     {"suspended", "https://suspended.gimbal.app"},
		"FLEET_TERMINATIONS_A_DAY": {"0", "-1", "1001", "few", "2.5"},
		"FLEET_UNPAID_LOCK":        {"off", "0", "no"},
		"FLEET_SCHEDULE_GROUP":     {"a group", "arn:aws:scheduler:x", strings.Repeat("x", 65)},
		"FLEET_DEAD_LETTERS":       {"dead-letters", "arn:aws:sqs:us-east-1:111122223333:q", "https://sqs.us-east-1.amazonaws.com/", "ftp://x/y"},
		"FLEET_QUOTAS":             {"15", "[]", "null", `{"sendgrid":15}`, `{"dns-records":-1}`, `{"dns-records":1.5}`, `{"dns-records":"15"}`, `{}{}`},
		"FLEET_LIMITS":             {"300", "[]", `{"vercel":300}`, `{"supabase":119}`, `{"supabase":1e9}`, `{"supabase":"300"}`, `{}{}`},
		"FLEET_ENDPOINTS":          {"{}", `{"supabase":"http://127.0.0.1:1"}`, "x"},
		"AWS_ENDPOINT_URL":         {"http://127.0.0.1:4566"},
	} {
		for _, value := range values {
			f := reading(name)
			variables := complete()
			variables[name] = value
			_, err := parse(f, from(variables))
			if err == nil || !strings.Contains(err.Error(), name+" is wrong") {
				t.Errorf("%s=%s: %v", name, value, err)
			} else if strings.Contains(err.Error(), repeated) {
				t.Errorf("%s: its value is repeated: %v", name, err)
			}
		}
	}
}

// TestAllAtOnce: whoever sets a function up learns of everything that is wrong at once.
func TestAllAtOnce(t *testing.T) {
	_, err := parse(everything(), from(nil))
	for name := range complete() {
		if reading(name).Name == catalog.Admit.Name && (err == nil || !strings.Contains(err.Error(), name+" is not set")) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestStateMachinesByName(t *testing.T) {
	variables := complete()
	variables["FLEET_STATE_MACHINES"] = `{"provision":"arn:aws:states:us-east-1:111122223333:stateMachine:Provision-7XQ",
		"teardown":"arn:aws:states:us-east-1:111122223333:stateMachine:Teardown-K2M:live",
		"suspend":"arn:aws:states:us-east-1:111122223333:stateMachine:Suspend-A1","resume":"arn:aws:states:us-east-1:111122223333:stateMachine:Resume-B2",
		"export":"arn:aws:states:us-east-1:111122223333:stateMachine:Export-D4",
		"import":"arn:aws:states:us-east-1:111122223333:stateMachine:Import-D5",
		"decommission":"arn:aws:states:us-east-1:111122223333:stateMachine:Decommission-E5","close":"arn:aws:states:us-east-1:111122223333:stateMachine:Close-F6",
		"terminate":"arn:aws:states:us-east-1:111122223333:stateMachine:Terminate-C3"}`
	c, err := parse(catalog.Admit, from(variables))
	if err != nil {
		t.Fatal(err)
	}
	if arn, ok := c.StateMachines.ARN("teardown"); !ok || !strings.HasSuffix(arn, ":Teardown-K2M:live") {
		t.Errorf("teardown is %q", arn)
	}
	if _, ok := c.StateMachines.ARN("update"); ok {
		t.Error("there is a workflow that nobody configured")
	}
}

// TestOutsideProduction: files and other endpoints are for every other stage.
func TestOutsideProduction(t *testing.T) {
	variables := complete()
	maps.Copy(variables, map[string]string{
		"FLEET_STAGE": "local", "FLEET_KMS_KEY": "file:/tmp/key", "FLEET_RELEASE": "file:/tmp/release",
		"FLEET_CREDENTIALS": strings.ReplaceAll(complete()["FLEET_CREDENTIALS"], "aws-sm:", "file:"), "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
		"FLEET_ENDPOINTS": `{"supabase":"http://127.0.0.1:1","supabase_project":"http://127.0.0.1:1/project/{ref}","edge_address":"127.0.0.1:2",
			"twilio_messaging":"http://127.0.0.1:3","supabase_database":"postgres://{user}@{host}:5433/{ref}?sslmode=disable"}`,
	})
	c, err := parse(everything(), from(variables))
	if err != nil {
		t.Fatal(err)
	}
	if e := c.Endpoints; e.Supabase != "http://127.0.0.1:1" || e.SupabaseProject != "http://127.0.0.1:1/project/{ref}" ||
		e.SupabaseDatabase != "postgres://{user}@{host}:5433/{ref}?sslmode=disable" || e.TwilioMessaging != "http://127.0.0.1:3" || e.Vercel != provider.Production().Vercel || e.Edge.Dial == nil || e.Edge.Roots != nil {
		t.Errorf("got %+v", e)
	}
	for _, value := range []string{`{"supabase":"127.0.0.1:1"}`, `{"vercel":"http://127.0.0.1:1/"}`, `{"aws":"http://127.0.0.1:1"}`,
		`{"vercel":"https://{host}"}`, `{"supabase_database":"{user}@{host}"}`, `{"edge_address":"127.0.0.1"}`, `{"edge_roots":"/none"}`} {
		variables["FLEET_ENDPOINTS"] = value
		if _, err := parse(everything(), from(variables)); err == nil || !strings.Contains(err.Error(), "FLEET_ENDPOINTS is wrong") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// TestOpensOverFiles: outside production a function needs no AWS service for its key, its credentials and its release.
func TestOpensOverFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := complete()
	maps.Copy(variables, map[string]string{
		"FLEET_STAGE": "local", "FLEET_KMS_KEY": "file:" + filepath.Join(dir, "key"), "FLEET_RELEASE": "file:" + dir,
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
	})
	p, err := open(catalog.DeployFrontend, nil, from(variables), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.base.Release.Open("index.html"); err != nil {
		t.Error(err)
	}
	delete(variables, "AWS_REGION")
	if _, err := open(catalog.DeployFrontend, nil, from(variables), quiet()); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
}
