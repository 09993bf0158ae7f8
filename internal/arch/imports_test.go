package arch

import (
	"fmt"
	"slices"
	"strings"
)

// vendorsOf are the vendor clients, as folders under internal/provider, that a noun's steps may import. A noun that is not
// listed may import none.
var vendorsOf = map[string][]string{
	"project":  {"supabase"},
	"database": {"supabase"},
	"export":   {"supabase"}, // Storage's files, and the database
	"intake":   {"supabase"}, // the same
	"admin":    {"supabase"},
	"branding": {"supabase", "web"}, // Storage, and where the customer's images are
	"frontend": {"vercel"},
	"dns":      {"cloudflare"},
	"sms":      {"twilio"},
	"email":    {"sendgrid"},
	"notice":   {"sendgrid"},
	"health":   {"edge"},
	// The doctor looks at every account, and changes nothing: no step of the ledger protocol is here whose noun it could be.
	"doctor":  {"supabase", "vercel", "cloudflare", "twilio", "sendgrid"},
	"vendors": {"supabase", "vercel", "cloudflare", "twilio", "sendgrid"},
}

// plain are the packages that import nothing but the standard library, with the reason.
var plain = map[string]string{
	"internal/fleet":          "the domain knows no technology",
	"internal/fault":          "everything imports it",
	"internal/fault/runbooks": "they are pages and no more",
	"internal/catalog":        "every main links it",
}

// operators are the packages of this module that fleetctl may import.
var operators = []string{"internal/clock", "internal/fault", "internal/fault/runbooks", "internal/fleet", "internal/view"}

// checkImports holds the direct imports to the layers.
func checkImports(root string) (broken []string) {
	all, err := imports(root)
	if err != nil {
		return []string{err.Error()}
	}
	for _, i := range all {
		if why := forbidden(i); why != "" {
			broken = append(broken, fmt.Sprintf("%s: imports %s: %s", i.file, i.path, why))
		}
	}
	return broken
}

// forbidden is why an import may not be, or empty.
func forbidden(i imported) string {
	if reason := plain[i.by]; reason != "" && !i.standard() {
		return "standard library only: " + reason
	}
	for _, heavy := range []string{"github.com/cloudflare/cloudflare-go/v7", "github.com/twilio/twilio-go"} {
		if i.path == heavy {
			return "the root package links every service of the vendor; use the packages of the services"
		}
	}
	for _, deployment := range []string{"github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/aws/jsii-runtime-go", "github.com/cdklabs"} {
		if under(i.path, deployment) && !under(i.by, "infra") {
			return "only the CDK app deploys; what runs knows nothing of it"
		}
	}
	folder, ok := i.local()
	if i.by == "internal/view" && !i.standard() && folder != "internal/fleet" {
		return "what shows Fleet to people links the documents and the domain, nothing else"
	}
	if !ok {
		return ""
	}
	switch {
	case under(folder, "functions"):
		return "a main is no library"
	case under(folder, "internal/sim") && !under(i.by, "internal/sim") && !under(i.by, "internal/local"):
		return "simulators are for the local runner and for tests"
	case under(folder, "internal/sandbox") && !under(i.by, "internal/local") && !under(i.by, "internal/bench"):
		return "an imitation of Lambda is for the local runner and for measuring"
	case under(folder, "internal/contract") && !under(i.by, "internal/local"):
		return "contract checks are for the local runner and for tests"
	case under(folder, "internal/local") && !under(i.by, "internal/local"):
		return "the local runner is on top of everything"
	}
	if i.by == "internal/fleetctl" && !slices.Contains(operators, folder) {
		return "the operator's command line knows the API's documents, no step and no store"
	}
	if under(i.by, "internal/portal") && folder != "internal/asl" && !slices.Contains(operators, folder) {
		return "the pages are a client of the API, and know no step and no store"
	}
	noun, isStep := strings.CutPrefix(i.by, "internal/steps/")
	if vendor, ok := strings.CutPrefix(folder, "internal/provider/"); ok && isStep && !slices.Contains(vendorsOf[noun], vendor) {
		return "another noun's vendor"
	}
	if isStep && under(folder, "internal/schema") && folder != "internal/schema" {
		return "a double of the database is for tests"
	}
	if isStep && (under(folder, "internal/store/bolt") || under(folder, "internal/store/dynamo")) {
		return "a step knows the repository, not its technology"
	}
	return ""
}

// under reports whether a package's folder is parent or below it.
func under(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}
