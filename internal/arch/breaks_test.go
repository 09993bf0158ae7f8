package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// breakage makes a broken copy: one change, and a part of what its rule must report then.
type breakage struct {
	name    string
	change  func(t *testing.T, root string)
	reports string
}

const (
	provision = "statemachines/provision.asl.json"
	teardown  = "statemachines/teardown.asl.json"
	permanent = `"Rejected", "Conflict", "NotOurs", "QuotaExceeded", "Overdue", "Internal", "StaleEpoch"`
)

// breaks are the broken copies, by rule.
var breaks = map[string][]breakage{
	"spelling": {
		{"folder missing", remove("functions/create-project"), "no folder under functions/ create-project"},
		{"folder of nothing", add("functions/make-project/main.go", "package main\n"), "functions/ make-project is not in the catalog"},
		{"step renamed", replace("internal/steps/project/project.go", "", "func Create(", "func Make("), "internal/steps/project has no function Create"},
		{"step without Open", replace("internal/steps/project/project.go", "", "func Open(", "func open("), "internal/steps/project has no function Open"},
		{"step's package missing", remove("internal/steps/sms"), "create-sms-account: its step's package can't be read"},
		{"placeholder misspelt", replace(provision, "", "${CreateSMSAccount}", "${CreateSmsAccount}"), "placeholder CreateSmsAccount is not in the catalog"},
		{"state of another name", renameState, "state MakeProject invokes ${CreateProject}"},
		{"function never used", replace(provision, "", "${AwaitCertificate}", "${ActivateInstance}"), "no placeholder AwaitCertificate"},
		{"function of the API as a state", replace(provision, "", "${VerifyHealth}", "${Approve}"), "placeholder Approve is not in the catalog's workflow functions"},
		{"workflow missing", remove(teardown), "no definition in statemachines/ teardown"},
		{"workflow of nothing", add("statemachines/backup.asl.json", "{}"), "statemachines/ backup is not in the catalog"},
		{"entry not listed", replace("internal/catalog/functions.go", "var (", "\n", "\n\tMakeCoffee = step(\"make-coffee\", \"coffee.Make\")\n"), "variable of the catalog MakeCoffee is not in the list"},
	},
	"generated": {
		{"main edited", replace("functions/create-project/main.go", "", "project.Create)", "project.Await)"), "functions/create-project/main.go is not what"},
		{"main missing", remove("functions/create-project/main.go"), "functions/create-project/main.go is not what"},
		{"handlers edited", replace("internal/local/world/handlers.go", "", "project.Create)", "project.Await)"), "internal/local/world/handlers.go is not what"},
	},
	"workflows": {
		{"no timeout", replace(provision, `"${CreateFrontend}"`, `"TimeoutSeconds": 75,`, ""), "CreateFrontend: the Task has no TimeoutSeconds"},
		{"timeout like the Lambda's", replace(provision, `"${CreateFrontend}"`, `"TimeoutSeconds": 75`, `"TimeoutSeconds": 60`), "CreateFrontend: its timeout of 1m0s is not longer than its Lambda's 60s"},
		{"nothing catches", replace(provision, `"${VerifyHealth}"`, `"States.ALL"`, `"Unavailable"`), "VerifyHealth: nothing catches States.ALL"},
		{"nothing catches around it", catchAround(`"States.ALL"`, `"NotReady"`), "CreateProject: nothing catches States.ALL"},
		{"take-over not caught", replace(provision, `"${VerifyHealth}"`, `["StaleEpoch"], "ResultPath"`, `["Overdue"], "ResultPath"`), "VerifyHealth: StaleEpoch has no Catch of its own"},
		{"take-over in a branch not caught", catchAround(`"StaleEpoch"`, `"Overdue"`), "CreateResources: StaleEpoch has no Catch of its own"},
		{"take-over ends loudly", replace(provision, `"${VerifyHealth}"`, `"Next": "Superseded"`, `"Next": "Unfinished"`), "VerifyHealth: after StaleEpoch the execution does not end quietly"},
		{"not reached", replace(provision, "", `"Next": "AwaitProject"`, `"Next": "MigrateDatabase"`), "AwaitProject: nothing leads to this state"},
		{"begins nowhere", replace(provision, "", `"StartAt": "CreateSMSAccount"`, `"StartAt": "CreateSmsAccount"`), `no such state: "CreateSmsAccount"`},
		{"leads nowhere", replace(provision, "", `"Next": "AwaitProject"`, `"Next": "AwaitProjects"`), `no such state: "AwaitProjects"`},
		{"code misspelt in Catch", replace(provision, `"${VerifyHealth}"`, `["StaleEpoch"], "ResultPath"`, `["StaleEpoche"], "ResultPath"`), `VerifyHealth: no error is called "StaleEpoche"`},
		{"code misspelt in Retry", replace(provision, `"${VerifyHealth}"`, `"Throttled"`, `"Throtled"`), `VerifyHealth: no error is called "Throtled"`},
		{"reserved name misspelt", replace(provision, `"${VerifyHealth}"`, `"States.Timeout"`, `"States.TimedOut"`), `unknown reserved error name "States.TimedOut"`},
		{"a permanent code forgotten", replace(provision, `"${VerifyHealth}"`, `"Internal", `, ""), "VerifyHealth: Retry[0] is for"},
		{"permanent codes not first", replace(provision, `"${VerifyHealth}"`, permanent, `"NotReady"`), "VerifyHealth: Retry[0] is for"},
		{"permanent codes tried again", replace(provision, `"${VerifyHealth}"`, `"MaxAttempts": 0`, `"MaxAttempts": 1`), "VerifyHealth: permanent faults are tried again"},
		{"no jitter", replace(provision, `"${VerifyHealth}"`, `, "JitterStrategy": "FULL"`, ""), "VerifyHealth: Retry[1] must back off with full jitter"},
		{"NotReady with jitter", replace(provision, `"${VerifyHealth}"`, `"MaxAttempts": 1000`, `"MaxAttempts": 1000, "JitterStrategy": "FULL"`), "VerifyHealth: NotReady is retried with jitter"},
		{"NotReady too short", replace(provision, `"${VerifyHealth}"`, `"MaxAttempts": 1000`, `"MaxAttempts": 10`), "VerifyHealth: NotReady is retried for"},
		{"NotReady too short for a take-down", replace(teardown, `"${RemoveProject}"`, `"MaxAttempts": 1000`, `"MaxAttempts": 400`), "not past the operation's deadline of 1h0m0s"},
		{"killed Lambda not retried", replace(provision, `"${VerifyHealth}"`, `"States.TaskFailed", `, ""), "VerifyHealth: Retry[3] is for"},
		{"machine ends too early", replace(provision, "", `"TimeoutSeconds": 7200`, `"TimeoutSeconds": 1800`), "it times out after 30m0s"},
		{"workflow without a deadline", add("statemachines/backup.asl.json", `{"StartAt":"Done","TimeoutSeconds":60,"States":{"Done":{"Type":"Succeed"}}}`), "backup.asl.json: the deadline of its operation is not known"},
		{"field that nobody knows", replace(provision, `"${VerifyHealth}"`, `"TimeoutSeconds"`, `"HeartbeatSeconds": 5, "TimeoutSeconds"`), "HeartbeatSeconds"},
	},
	"imports": {
		{"another noun's vendor", importing("internal/steps/project", "internal/provider/vercel"), "another noun's vendor"},
		{"a vendor without a noun", importing("internal/steps/operation", "internal/provider/supabase"), "another noun's vendor"},
		{"simulator in a step", importing("internal/steps/project", "internal/sim/supabase"), "simulators are for the local runner and for tests"},
		{"simulator in a client", importing("internal/provider/vercel", "internal/sim"), "simulators are for the local runner and for tests"},
		{"contract checks in a client", importing("internal/provider/vercel", "internal/contract"), "contract checks are for the local runner"},
		{"runner in a step", importing("internal/steps/project", "internal/local/world"), "the local runner is on top"},
		{"imitation of Lambda in a Lambda", importing("internal/onaws", "internal/sandbox"), "an imitation of Lambda"},
		{"domain with a library", importing("internal/fleet", "github.com/google/uuid"), "internal/fleet/stray.go: imports github.com/google/uuid: standard library only"},
		{"domain with the store", importing("internal/fleet", "internal/store"), "standard library only"},
		{"catalog with anything", importing("internal/catalog", "internal/fault"), "standard library only"},
		{"faults with anything", importing("internal/fault", "internal/clock"), "standard library only"},
		{"cloudflare's root", importing("internal/provider/cloudflare", "github.com/cloudflare/cloudflare-go/v7"), "links every service"},
		{"twilio's root", importing("internal/provider/twilio", "github.com/twilio/twilio-go"), "links every service"},
		{"documents with the store", importing("internal/view", "internal/store"), "links the documents and the domain"},
		{"documents with a library", importing("internal/view", "github.com/google/uuid"), "links the documents and the domain"},
		{"main as a library", importing("internal/local/world", "functions/approve"), "a main is no library"},
		{"step in fleetctl", importing("internal/fleetctl", "internal/steps/operation"), "no step and no store"},
		{"store in the pages", importing("internal/portal", "internal/store"), "client of the API"},
		{"step in the pages", importing("internal/portal", "internal/step"), "client of the API"},
		{"store in fleetctl", importing("internal/fleetctl", "internal/store"), "no step and no store"},
		{"database double in a step", importing("internal/steps/database", "internal/schema/memory"), "a double of the database"},
		{"CDK in a Lambda", importing("internal/onaws", "github.com/aws/aws-cdk-go/awscdk/v2"), "only the CDK app deploys"},
		{"simulator in the deployment", importing("infra", "internal/sim"), "simulators are for the local runner and for tests"},
		{"technology in a step", importing("internal/steps/operation", "internal/store/bolt"), "not its technology"},
	},
	"linked": {
		{"by the main", importing("functions/create-project", "internal/provider/twilio"), "functions/create-project links twilio's client, by way of functions/create-project"},
		{"by its step", importing("internal/steps/project", "internal/provider/vercel"), "functions/create-project links vercel's client, by way of internal/steps/project"},
		{"by another step", importing("internal/steps/signup", "internal/steps/sms"), "functions/signup links twilio's client, by way of internal/steps/sms"},
		{"a port by the main", importing("functions/admit", "internal/onaws/topic"), "functions/admit links the port topic"},
		{"a port by every main", importing("internal/onaws", "internal/onaws/insights"), "functions/admit links the port insights, which it is not granted, by way of internal/onaws"},
		{"by something below", importing("internal/step", "internal/provider/edge"), "functions/admit links edge's client, by way of internal/step"},
	},
	"time": {
		{"now", using("internal/steps/project", `"time"`, "time.Now()"), "internal/steps/project/stray.go:5: time.Now: only internal/clock gives time"},
		{"since", using("internal/store", `"time"`, "time.Since(time.Time{})"), "time.Since"},
		{"sleep", using("internal/local/world", `"time"`, "func() int { time.Sleep(1); return 0 }()"), "time.Sleep"},
		{"timer kept as a value", using("internal/asl", `"time"`, "time.AfterFunc"), "time.AfterFunc"},
		{"ticker", using("internal/sim", `"time"`, "time.NewTicker(1)"), "time.NewTicker"},
		{"timeout", using("internal/provider", `"context"`, "context.WithTimeout"), "context.WithTimeout"},
		{"deadline by another name", using("internal/provider", `c "context"`, "c.WithDeadline"), "context.WithDeadline"},
		{"deployment", using("infra", `"time"`, "time.Now()"), "infra/stray.go:5: time.Now"},
		{"dot import", using("internal/provider", `. "time"`, "Now()"), "a dot import of time hides its use"},
	},
	"diagrams": {
		{"move left out", replace("README.md", "", "    SUSPENDED --> TERMINATED", "    SUSPENDED --> MAINTENANCE"), "diagram states is not the code's"},
		{"workflow changed", replace(provision, `"${EndOperation}"`, `"Next": "Unfinished"`, `"Next": "TakenDown"`), "diagram provision is not the code's"},
		{"diagram missing", replace("README.md", "", "<!-- drawn: teardown -->", ""), "there is no diagram teardown"},
	},
	"demo": {
		{"state not shown", replace("README.md", "<!-- drawn: demo -->", "VerifyHealth", "            "), "lacks the state VerifyHealth"},
		{"state that is none", replace("README.md", "<!-- drawn: demo -->", "VerifyHealth", "VerifyHealthy"), "shows VerifyHealthy"},
		{"state renamed", renameState, "lacks the state MakeProject"},
		{"picture missing", replace("README.md", "", "<!-- drawn: demo -->", ""), "there is no diagram demo"},
	},
	"schedules": {
		{"one left out", replace("README.md", "", "and `due` goes on", "and another goes on"), "doesn't tell once of due"},
		{"miscounted", replace("README.md", "", "run twelve functions", "run eleven functions"), `counts "eleven" functions on schedules, and there are 12`},
		{"not told", replace("README.md", "", "Beside the workflows run twelve", "There are twelve"), `counts ""`},
	},
}

// importing adds a file with one import to a package.
func importing(folder, path string) func(*testing.T, string) {
	if imported := (imported{path: path}); imported.standard() {
		path = modulePath + path
	}
	return add(folder+"/stray.go", "package stray\n\nimport _ \""+path+"\"\n")
}

// using adds a file that uses an import in an expression.
func using(folder, spec, expression string) func(*testing.T, string) {
	return add(folder+"/stray.go", "package stray\n\nimport "+spec+"\n\nvar _ = "+expression+"\n")
}

// renameState gives the state CreateProject another name, consistently.
func renameState(t *testing.T, root string) {
	replace(provision, "", `"StartAt": "CreateProject"`, `"StartAt": "MakeProject"`)(t, root)
	replace(provision, "", `"CreateProject": {`, `"MakeProject": {`)(t, root)
}

// catchAround changes the last old in the Catch of the Parallel around CreateProject.
func catchAround(old, text string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		path := filepath.Join(root, provision)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const after = `"Next": "ConfigureAndDeploy"` // follows that Catch
		parallel, rest, ok := strings.Cut(string(whole), after)
		at := strings.LastIndex(parallel, old)
		if !ok || at < 0 {
			t.Fatalf("%s has no %q before %q: the broken copy must be brought up to date", provision, old, after)
		}
		put(t, path, parallel[:at]+text+parallel[at+len(old):]+after+rest)
	}
}
