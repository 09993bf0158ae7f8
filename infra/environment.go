package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/provider"
)

// environment is what onaws.Config reads for a function: what its grants call for, and nothing else. None of it is a secret;
// credentials are given by their names in Secrets Manager.
func (w *workflows) environment(f catalog.Function) map[string]string {
	e := map[string]string{"FLEET_STAGE": w.config.Stage, "FLEET_DOMAIN": w.config.Domain}
	for _, grant := range f.Grants {
		maps.Copy(e, w.granted(grant))
	}
	if secrets := w.references(f); len(secrets) > 0 {
		e["FLEET_CREDENTIALS"] = encoded(secrets)
	}
	if len(w.config.Limits) > 0 && (f.Name == catalog.Admit.Name || e["FLEET_CREDENTIALS"] != "") {
		e["FLEET_LIMITS"] = encoded(w.config.Limits)
	}
	if w.config.TerminationsADay > 0 && slices.Contains(catalog.CountTerminations(), f.Name) {
		e["FLEET_TERMINATIONS_A_DAY"] = encoded(w.config.TerminationsADay)
	}
	if !w.config.UnpaidLock && slices.Contains(catalog.CheckUnpaid(), f.Name) {
		e["FLEET_UNPAID_LOCK"] = "false"
	}
	if slices.Contains(catalog.MakeLinks(), f.Name) {
		e["FLEET_PUBLIC_URL"] = w.publicURL()
	}
	switch f.Name {
	case catalog.Admit.Name:
		e["FLEET_SLOTS"] = encoded(w.config.Slots)
	case catalog.Deliver.Name, catalog.AutoApprove.Name:
		e["FLEET_AUTO_APPROVE"] = w.autoApprove()
	}
	return e
}

// autoApprove are the plans that need no operator, or that there are none.
func (w *workflows) autoApprove() string {
	return cmp.Or(strings.Join(w.config.AutoApprove, ","), "none")
}

// granted are the variables that one grant calls for.
func (w *workflows) granted(grant catalog.Grant) map[string]string {
	switch grant {
	case catalog.Table:
		return map[string]string{"FLEET_TABLE": w.names.table()}
	case catalog.Keys, catalog.MintKeys, catalog.DestroyKeys:
		return map[string]string{"FLEET_KEYS_TABLE": w.names.keysTable(), "FLEET_KMS_KEY": *w.grants.data.wrapping.KeyArn()}
	case catalog.StartRuns:
		return map[string]string{"FLEET_STATE_MACHINES": encoded(w.names.aliases())}
	case catalog.InvokeAdmit:
		return map[string]string{"FLEET_ADMIT_FUNCTION": w.names.function(catalog.Admit.Name)}
	case catalog.InvokeDeliver:
		return map[string]string{"FLEET_DELIVER_FUNCTION": w.names.function(catalog.Deliver.Name)}
	case catalog.ReadRelease:
		return map[string]string{"FLEET_RELEASE": "s3://" + w.names.bucket(releases) + "/" + w.config.Release}
	case catalog.Exports, catalog.ReadExports:
		return map[string]string{"FLEET_EXPORTS": w.names.bucket(exports)}
	case catalog.Archive:
		return map[string]string{"FLEET_ARCHIVE": w.names.bucket(audit)}
	case catalog.History:
		return map[string]string{"FLEET_HISTORY": w.names.bucket(history)}
	case catalog.Calendar:
		return map[string]string{"FLEET_CALENDAR": encoded(map[string]string{"group": w.names.calendarGroup(), "function": w.names.functionARN(catalog.Due.Name),
			"role": *w.grants.calendarRole.RoleArn(), "dead_letters": w.names.queueARN()})}
	case catalog.Publish:
		return map[string]string{"FLEET_INCIDENT_TOPIC": w.names.topicARN()}
	case catalog.ReadLogs:
		return map[string]string{"FLEET_LOG_GROUPS": w.names.functionLogs() + "," + w.names.workflowLogs()}
	case catalog.Quotas:
		return map[string]string{"FLEET_QUOTAS": encoded(w.config.Quotas)}
	case catalog.Inspect:
		return map[string]string{"FLEET_SCHEDULE_GROUP": w.names.scheduleGroup(), "FLEET_DEAD_LETTERS": *w.deadLetters.QueueUrl(),
			"FLEET_QUOTAS": encoded(w.config.Quotas)}
	}
	name, _ := strings.CutPrefix(string(grant), catalog.SecretPrefix)
	return w.vendor(name)
}

// vendor are the variables that a vendor's credential calls for.
func (w *workflows) vendor(credential string) map[string]string {
	switch credential {
	case provider.SupabaseToken:
		return map[string]string{"FLEET_SUPABASE_ORGANIZATION": w.config.Organisation}
	case provider.VercelToken:
		return map[string]string{"FLEET_VERCEL_TEAM": w.config.Team}
	case provider.CloudflareToken:
		return map[string]string{"FLEET_CLOUDFLARE_ZONE": w.config.Zone, "FLEET_SUSPENDED_HOST": w.config.SuspendedHost}
	case provider.TwilioToken:
		return map[string]string{"FLEET_TWILIO_ACCOUNT": w.config.TwilioAccount}
	case provider.SendGridKey:
		return map[string]string{"FLEET_SENDGRID_IPS": strings.Join(w.config.SendGridIPs, ","), "FLEET_MAIL_FROM": w.config.MailFrom,
			"FLEET_OPERATOR_MAIL": w.config.OperatorMail}
	}
	return nil
}

// references say where the function's credentials are; to one that inspects them, where all are: it may ask for their age.
func (w *workflows) references(f catalog.Function) map[string]string {
	references := map[string]string{}
	if slices.Contains(f.Grants, catalog.Inspect) {
		for _, name := range credentials() {
			references[name] = "aws-sm:" + w.names.secret(name)
		}
	}
	for _, grant := range f.Grants {
		if name, ok := strings.CutPrefix(string(grant), catalog.SecretPrefix); ok {
			references[name] = "aws-sm:" + w.names.secret(name)
		}
	}
	return references
}

// publicURL is where customers and operators reach the API.
func (w *workflows) publicURL() string {
	switch {
	case w.config.PublicURL != "":
		return w.config.PublicURL
	case w.config.CustomDomain != "":
		return "https://" + w.config.CustomDomain
	}
	return *w.api.ApiEndpoint()
}

// invokedByEvent reports whether Lambda keeps events for a function: EventBridge and the triggers of admit and deliver don't wait for an answer.
func invokedByEvent(f catalog.Function) bool {
	return f.Trigger == catalog.Schedule || f.OnExecutionEnd || f.Name == catalog.Admit.Name
}
