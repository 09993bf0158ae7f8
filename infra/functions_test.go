//go:build !race

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
)

// checkFunctions wants each entry of the catalog deployed once, as the catalog has it, and no other function.
func checkFunctions(d deployment) (wrong []string) {
	roles := map[string]string{}
	for _, f := range catalog.Functions() {
		r, err := d.templates.one("AWS::Lambda::Function", "FunctionName", "fleet-"+d.stage+"-"+f.Name)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		p := r.properties
		for what, got := range map[string][2]any{
			"Timeout":       {p["Timeout"], float64(f.Timeout)},
			"MemorySize":    {p["MemorySize"], float64(f.Memory)},
			"Runtime":       {p["Runtime"], "provided.al2023"},
			"TracingConfig": {at(p, "TracingConfig", "Mode"), "Active"},
			"Architectures": {text(list(p["Architectures"])[0]), map[string]string{"production": "x86_64"}[d.stage]},
			"LogGroup":      {d.logGroup(at(p, "LoggingConfig", "LogGroup")), "/fleet/" + d.stage + "/functions"},
		} {
			if what == "Architectures" && got[1] == "" {
				got[1] = "arm64"
			}
			if got[0] != got[1] {
				wrong = append(wrong, fmt.Sprintf("function %s: its %s is %v, not %v", f.Name, what, got[0], got[1]))
			}
		}
		if role := text(p["Role"]); roles[role] != "" {
			wrong = append(wrong, "function "+f.Name+": it shares its role with "+roles[role])
		} else {
			roles[role] = f.Name
		}
	}
	if n := len(d.templates.all("AWS::Lambda::Function")); n != len(catalog.Functions()) {
		wrong = append(wrong, fmt.Sprintf("there are %d functions, and %d in the catalog", n, len(catalog.Functions())))
	}
	return append(wrong, d.logGroups()...)
}

func (d deployment) logGroup(reference any) string {
	id := strings.Trim(text(reference), "<>")
	return text(at(d.templates["workflows"][id], "Properties", "LogGroupName"))
}

func (d deployment) logGroups() (wrong []string) {
	for _, g := range d.templates.all("AWS::Logs::LogGroup") {
		if g.properties["RetentionInDays"] == nil {
			wrong = append(wrong, "log group "+g.id+" keeps its logs for ever")
		}
	}
	return wrong
}

// What references to the API and to the queue are, with the end that CDK gives to logical ids.
var (
	apiReference   = regexp.MustCompile(`^<Api[0-9A-F]+>$`)
	queueReference = regexp.MustCompile(`^<DeadLetters[0-9A-F]+>$`)

	calendarReference = regexp.MustCompile(`<CalendarRole[0-9A-F]+>`)
)

// checkEnvironment wants each function's environment to be one that it starts with, and to hold nothing that it is not granted.
func checkEnvironment(d deployment) (wrong []string) {
	for _, f := range catalog.Functions() {
		r, err := d.templates.one("AWS::Lambda::Function", "FunctionName", "fleet-"+d.stage+"-"+f.Name)
		if err != nil {
			continue // another rule's
		}
		wrong = append(wrong, d.environmentOf(f, r)...)
	}
	return wrong
}

func (d deployment) environmentOf(f catalog.Function, r resource) (wrong []string) {
	variables, _ := at(r.properties, "Environment", "Variables").(map[string]any)
	lookup := func(name string) string {
		// What references stand for, in the shape that it has on AWS.
		value := strings.ReplaceAll(text(variables[name]), "<WrappingKey>", "arn:aws:kms:us-east-1:111122223333:key/1")
		value = apiReference.ReplaceAllString(value, "https://api.example")
		value = calendarReference.ReplaceAllString(value, "arn:aws:iam::111122223333:role/calendar")
		return queueReference.ReplaceAllString(value, "https://sqs.us-east-1.amazonaws.com/111122223333/fleet")
	}
	if err := onaws.Check(f, lookup); err != nil {
		wrong = append(wrong, fmt.Sprintf("function %s does not start: %v", f.Name, err))
	}
	return append(wrong, needless(f, variables, d.stage)...)
}

// neededBy tells which grants call for a variable. Those that are not in it are for all functions, or for one by its name.
var neededBy = map[string][]catalog.Grant{
	"FLEET_TABLE":                 {catalog.Table},
	"FLEET_KEYS_TABLE":            {catalog.Keys, catalog.MintKeys, catalog.DestroyKeys},
	"FLEET_KMS_KEY":               {catalog.Keys, catalog.MintKeys, catalog.DestroyKeys},
	"FLEET_STATE_MACHINES":        {catalog.StartRuns},
	"FLEET_ADMIT_FUNCTION":        {catalog.InvokeAdmit},
	"FLEET_DELIVER_FUNCTION":      {catalog.InvokeDeliver},
	"FLEET_RELEASE":               {catalog.ReadRelease},
	"FLEET_EXPORTS":               {catalog.Exports, catalog.ReadExports},
	"FLEET_ARCHIVE":               {catalog.Archive},
	"FLEET_HISTORY":               {catalog.History},
	"FLEET_CALENDAR":              {catalog.Calendar},
	"FLEET_INCIDENT_TOPIC":        {catalog.Publish},
	"FLEET_LOG_GROUPS":            {catalog.ReadLogs},
	"FLEET_SCHEDULE_GROUP":        {catalog.Inspect},
	"FLEET_DEAD_LETTERS":          {catalog.Inspect},
	"FLEET_QUOTAS":                {catalog.Inspect, catalog.Quotas},
	"FLEET_SUPABASE_ORGANIZATION": {"secret:supabase-token"},
	"FLEET_VERCEL_TEAM":           {"secret:vercel-token"},
	"FLEET_CLOUDFLARE_ZONE":       {"secret:cloudflare-token"},
	"FLEET_SUSPENDED_HOST":        {"secret:cloudflare-token"},
	"FLEET_TWILIO_ACCOUNT":        {"secret:twilio-token"},
	"FLEET_SENDGRID_IPS":          {"secret:sendgrid-key"},
	"FLEET_MAIL_FROM":             {"secret:sendgrid-key"},
	"FLEET_OPERATOR_MAIL":         {"secret:sendgrid-key"},
}

func needless(f catalog.Function, variables map[string]any, stage string) (wrong []string) {
	others := []string{"FLEET_STAGE", "FLEET_DOMAIN", "FLEET_CREDENTIALS"}
	if f.Name == "admit" {
		others = append(others, "FLEET_SLOTS")
	}
	if f.Name == "admit" || variables["FLEET_CREDENTIALS"] != nil {
		others = append(others, "FLEET_LIMITS")
	}
	if f.Name == "due" || f.Name == "remove-orphan" || f.Name == "confirm-termination" || f.Name == "mark-terminated" {
		others = append(others, "FLEET_TERMINATIONS_A_DAY")
	}
	if f.Name == "plan-decommission" || f.Name == "begin-decommission" {
		others = append(others, "FLEET_UNPAID_LOCK")
	}
	if f.Name == "deliver" || f.Name == "auto-approve" {
		others = append(others, "FLEET_AUTO_APPROVE")
	}
	if f.Name == "signup" || f.Name == "deliver" || f.Name == "resend" {
		others = append(others, "FLEET_PUBLIC_URL")
	}
	if stage == "e2e" {
		others = append(others, "FLEET_ENDPOINTS", "AWS_ENDPOINT_URL")
	}
	for name := range variables {
		needed := slices.ContainsFunc(f.Grants, func(g catalog.Grant) bool { return slices.Contains(neededBy[name], g) })
		if !needed && !slices.Contains(others, name) {
			wrong = append(wrong, fmt.Sprintf("function %s has %s, which nothing calls for", f.Name, name))
		}
	}
	for name, grants := range neededBy {
		if slices.ContainsFunc(f.Grants, func(g catalog.Grant) bool { return slices.Contains(grants, g) }) && variables[name] == nil {
			wrong = append(wrong, fmt.Sprintf("function %s has no %s, which its grants call for", f.Name, name))
		}
	}
	return wrong
}
