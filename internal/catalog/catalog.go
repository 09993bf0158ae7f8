// Package catalog is pure data: every function and every workflow of Fleet, with all that its deployment needs. The CDK app,
// the local runner, the generator of the mains and the architecture tests read it. It links nothing.
package catalog

import "strings"

//go:generate go run ./generate

// Trigger is what invokes a function.
type Trigger string

const (
	// Workflow: a state of that name in a state machine.
	Workflow Trigger = "workflow"
	// HTTP: a route of the API.
	HTTP Trigger = "http"
	// Host: whatever is asked of a host that leads to Fleet, by an API that has nothing else.
	Host Trigger = "host"
	// Schedule: EventBridge, by time, and an asynchronous invocation in between.
	Schedule Trigger = "schedule"
)

// Access is who may call an HTTP function.
type Access string

const (
	// Public: whoever reaches the API. The function itself checks what it is given.
	Public Access = "public"
	// Operators: those whom IAM lets call the API; on one machine, who has the operator's token.
	Operators Access = "operators"
)

// Grant is one thing a function may do; CDK turns each into the narrowest statement.
type Grant string

// The grants; secret makes those for single credentials.
const (
	Table         Grant = "table"          // read and write the fleet's table
	Keys          Grant = "keys"           // read wrapped data keys and unwrap them
	MintKeys      Grant = "keys:mint"      // wrap and write data keys
	DestroyKeys   Grant = "keys:destroy"   // delete wrapped data keys
	StartRuns     Grant = "executions"     // start and describe executions of the workflows
	InvokeAdmit   Grant = "invoke:admit"   // invoke function admit asynchronously
	InvokeDeliver Grant = "invoke:deliver" // invoke function deliver asynchronously
	ReadRelease   Grant = "release"        // read release files
	Exports       Grant = "exports"        // read and write customers' exports
	ReadExports   Grant = "exports:read"   // read customers' exports
	Archive       Grant = "archive"        // write into the audit archive, once, and read it
	History       Grant = "history"        // write into the history of configurations
	Calendar      Grant = "calendar"       // make and delete one-time schedules
	Publish       Grant = "incidents"      // publish to the topic of incidents
	ReadLogs      Grant = "logs"           // query the logs of functions and workflows
	Inspect       Grant = "inspect"        // describe schedules, the dead-letter queue, and the age of credentials
	Quotas        Grant = "quotas"         // know what the vendors allow Fleet: nothing of AWS is granted for it
	Databases     Grant = "databases"      // open customers' databases: by their own passwords, nothing of AWS is granted for it
	SecretPrefix        = "secret:"        // read one credential: "secret:supabase-token"
	_             Grant = ""
)

func secret(name string) Grant { return Grant(SecretPrefix + name) }

// Function is one Lambda.
type Function struct {
	// Name is its folder under functions/ and its name in the logs: "create-project".
	Name string
	// Handler is its step, as package.Function under internal/steps: "project.Create".
	Handler string
	Trigger Trigger
	// Timeout is Lambda's, in seconds; Memory in MB.
	Timeout, Memory int
	Grants          []Grant
	// Route is the API's route of an HTTP function: "POST /signups"; Access is who may call it.
	Route  string
	Access Access
	// Every is the period of a Schedule function, in minutes.
	Every int
	// Retired: no definition names the workflow function any more. It is deployed for those executions that began before.
	Retired bool
	// OnExecutionEnd: EventBridge invokes it, too, when an execution of a workflow has ended.
	OnExecutionEnd bool
}

// State is the function's state in a workflow and its placeholder in a definition: "CreateProject".
func (f Function) State() string {
	var b strings.Builder
	for _, word := range strings.Split(f.Name, "-") {
		switch word {
		case "dns", "sms":
			b.WriteString(strings.ToUpper(word))
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// Package is the package of its step: "project".
func (f Function) Package() string {
	name, _, _ := strings.Cut(f.Handler, ".")
	return name
}

// Workflows lists the state machines, by the names of their files in statemachines/.
func Workflows() []string {
	return []string{"provision", "teardown", "suspend", "resume", "export", "import", "decommission", "close", "terminate"}
}

// ByState finds a function by its state's name.
func ByState(state string) (Function, bool) {
	for _, f := range Functions() {
		if f.State() == state {
			return f, true
		}
	}
	return Function{}, false
}

// ByName finds a function by its name.
func ByName(name string) (Function, bool) {
	for _, f := range Functions() {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}
