package main

import "github.com/project-gimbal/fleet/internal/budget"

// Config is what differs between deployments. Each field is a context value, which comes from -c key=value, or from
// context.stages.<stage> in cdk.json, or from context there. README.md lists them. None of them is a secret.
type Config struct {
	// Stage is "stage": "production", or another stage's name. It is in every resource's name. In "dev", a removal of the
	// stacks removes the customers' data as well.
	Stage string
	// Domain is "domain", under which the instances' host names are; Zone is "zone", its zone's id at Cloudflare.
	Domain, Zone string
	// SuspendedHost is "suspendedHost", where the hosts of suspended instances lead.
	SuspendedHost string
	// Organisation is "organisation", the slug at Supabase; Team is "team", the team's id at Vercel; TwilioAccount is
	// "twilioAccount", the parent account's SID.
	Organisation, Team, TwilioAccount string
	// SendGridIPs is "sendgridIps", the addresses that subusers send from.
	SendGridIPs []string
	// MailFrom is "mailFrom", the sender of Fleet's own messages; OperatorMail is "operatorMail", who gets those for operators.
	MailFrom, OperatorMail string
	// Slots is "slots", how many provisionings run at once at most; 0, or none, leaves it to the vendors' budgets.
	Slots int
	// Release is "release", the prefix of the current release's files in the bucket of releases.
	Release string
	// Limits is "limits", calls by vendor where one has granted more than it publishes; optional.
	Limits budget.Limits
	// Quotas is "quotas", what the vendors' contracts allow, by the names in quotaNames.
	Quotas map[string]int
	// Pagers is "pagers", the mail addresses that incidents and alarms go to.
	Pagers []string

	// TerminationsADay is "terminationsADay", how many instances are terminated within a day on one operator's word; Fleet's own default
	// unless given.
	TerminationsADay int
	// UnpaidLock is "unpaidLock": whether unpaid bills are in the way of a decommission; true unless given.
	UnpaidLock bool
	// AutoApprove is "autoApprove", the plans whose signups need no operator; none unless given.
	AutoApprove []string
	// PublicURL is "publicUrl", where the API is reached; without it, its custom domain, or else its own URL.
	PublicURL string
	// CustomDomain is "customDomain", a host name for the API; Certificate is "certificate", its certificate's ARN. Both or none.
	CustomDomain, Certificate string
	// SuspendedCertificate is "suspendedCertificate", the ARN of a certificate for all hosts under Domain. Without it no host of
	// theirs leads to the page of suspended instances that is deployed.
	SuspendedCertificate string
	// PermissionsBoundary is "permissionsBoundary", the ARN of a policy that bounds every role.
	PermissionsBoundary string
	// Architecture is "architecture" of the functions: "arm64", which is the default, or "x86_64".
	Architecture string
	// Functions is "functions", the folder with a folder for each function: build/functions, if it isn't given.
	Functions string

	// Dashboard is "dashboard": whether there is one; true unless given. DetailedMetrics is "detailedMetrics": metrics of each
	// route of the API, which are paid by their number; false unless given.
	Dashboard, DetailedMetrics bool
}

const (
	production = "production"
	// dev is the one stage that holds no customers' data.
	dev = "dev"

	arm64 = "arm64"
	x86   = "x86_64"
)

// quotaNames are the vendors' quotas that Fleet watches.
var quotaNames = []string{"sendgrid-subusers", "twilio-subaccounts", "supabase-projects", "vercel-projects", "dns-records", "rate-limit-rules"}

// holdsCustomers reports whether customers' data must outlive the stacks.
func (c Config) holdsCustomers() bool { return c.Stage != dev }
