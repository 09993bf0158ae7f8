package onaws

import (
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// Config is a function's configuration. Each field is one environment variable, of which a function needs those that its
// catalog entry's grants call for. None holds a secret: secrets are given by reference.
type Config struct {
	// Stage is FLEET_STAGE: "production", or the name of another stage, such as "staging". Needed.
	Stage string
	// Table is FLEET_TABLE, the name of the fleet's DynamoDB table. Needed with the grant "table".
	Table string
	// KeysTable is FLEET_KEYS_TABLE, the name of the table of wrapped data keys. Needed with "keys", "keys:mint" and "keys:destroy".
	KeysTable string
	// KeyEncryptionKey is FLEET_KMS_KEY, what wraps data keys: the ARN of a KMS key, or "file:" and a path (seal.FileKey),
	// which production refuses. Needed with "keys", "keys:mint" and "keys:destroy".
	KeyEncryptionKey string
	// StateMachines is FLEET_STATE_MACHINES: the workflows' ARNs by name, as a JSON object, each of which may end with an
	// alias or a version to start, or what all of these ARNs begin with, up to the workflow's name:
	// "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-". Needed with "executions".
	StateMachines StateMachines
	// AdmitFunction is FLEET_ADMIT_FUNCTION, the name or the ARN of the function admit. Needed with "invoke:admit".
	AdmitFunction string
	// DeliverFunction is FLEET_DELIVER_FUNCTION, the name or the ARN of the function deliver. Needed with "invoke:deliver".
	DeliverFunction string
	// IncidentTopic is FLEET_INCIDENT_TOPIC, the ARN of the SNS topic of incidents. Needed with "incidents".
	IncidentTopic string
	// LogGroups is FLEET_LOG_GROUPS: the names of the log groups of functions and workflows, separated by commas, at most 50.
	// Needed with "logs".
	LogGroups []string
	// Credentials is FLEET_CREDENTIALS: where each credential that is granted by "secret:" is kept, as a JSON object of
	// references by name: {"supabase-token":"aws-sm:fleet/supabase-token"}. "aws-sm:" is followed by the name or the ARN
	// of a secret of Secrets Manager, "file:" by a path. With "inspect" it must tell the places of the webhook-secret and
	// the link-secret, too: whether they are there, and how old they are, is asked for, not their values.
	Credentials map[string]Reference
	// Release is FLEET_RELEASE, where the files of the release are: "s3://bucket/prefix", or "file:" and a folder. Needed
	// with "release".
	Release Location
	// Exports is FLEET_EXPORTS, Archive FLEET_ARCHIVE and History FLEET_HISTORY: the names of the buckets of customers' exports, of the
	// audit archive and of the history of configurations. Needed with "exports" or "exports:read", "archive", and "history".
	Exports, Archive, History string
	// Calendar is FLEET_CALENDAR, what one-time schedules are made of, as a JSON object of names and ARNs. Needed with "calendar".
	Calendar Calendar
	// ScheduleGroup is FLEET_SCHEDULE_GROUP, the name of the group of EventBridge Scheduler that holds Fleet's schedules, each
	// named as its function is in the catalog. DeadLetters is FLEET_DEAD_LETTERS, the URL of the queue of the asynchronous
	// invocations that were given up. Needed with "inspect".
	ScheduleGroup, DeadLetters string
	// Endpoints are the vendors' real ones, but for what FLEET_ENDPOINTS puts in place of them, which production refuses:
	// a JSON object of supabase, supabase_project, supabase_database, vercel, cloudflare, twilio, twilio_messaging, sendgrid (all
	// URLs, as in provider.Endpoints), edge_address ("host:port" to dial for every public name) and edge_roots (the path of a PEM
	// file of the authorities to trust there).
	Endpoints provider.Endpoints

	// Slots in Settings is FLEET_SLOTS, how many provisionings may run at once at most, 0 to 1000; admit needs it. PublicURL is
	// FLEET_PUBLIC_URL, where Fleet's own API is reached; signup, deliver and resend need it. Quotas is FLEET_QUOTAS, what the vendors allow, as a
	// JSON object of numbers by the names that step.Quotas lists: {"sendgrid-subusers":15}. One that is missing or 0 is not
	// known; "{}" names none. Needed with "inspect" and "quotas". AutoApprove is
	// FLEET_AUTO_APPROVE, the plans whose signups need no operator, separated by commas, or "none"; auto-approve and deliver need it.
	// Limits is FLEET_LIMITS, optional: the vendors' rate limits where they have granted more than they publish, as a JSON object of
	// calls by vendor: {"supabase":300}. TerminationsADay is FLEET_TERMINATIONS_A_DAY, optional: how many instances are terminated within a
	// day on one operator's word, 1 to 1000. EndUnpaid is the opposite of FLEET_UNPAID_LOCK, optional: "false" where unpaid bills are not in
	// the way of a decommission, or "true".
	Settings step.Settings
	// Vendors is FLEET_DOMAIN (needed by all), and what is needed with the credential of its vendor:
	// FLEET_SUPABASE_ORGANIZATION, FLEET_VERCEL_TEAM, FLEET_CLOUDFLARE_ZONE, FLEET_TWILIO_ACCOUNT, and for SendGrid
	// FLEET_SENDGRID_IPS (addresses, separated by commas), FLEET_MAIL_FROM and FLEET_OPERATOR_MAIL.
	Vendors provider.Settings
}

// Calendar is what a one-time schedule of EventBridge Scheduler is made of.
type Calendar struct {
	Group       string `json:"group"`        // the name of their group
	Function    string `json:"function"`     // the ARN of the function that they invoke
	Role        string `json:"role"`         // the ARN of the role under which they do
	DeadLetters string `json:"dead_letters"` // the ARN of the queue for what could not be invoked
}

// production is the stage that real customers are on.
const production = "production"

// StateMachines tells a workflow's ARN.
type StateMachines struct {
	Prefix string            // what every ARN begins with, before the workflow's name; or
	ARNs   map[string]string // by workflow
}

// ARN is the ARN of a workflow's state machine; false if it isn't configured.
func (s StateMachines) ARN(workflow string) (string, bool) {
	if s.Prefix != "" {
		return s.Prefix + workflow, true
	}
	arn, ok := s.ARNs[workflow]
	return arn, ok
}

// Kind is where something is kept.
type Kind string

const (
	// SecretsManager: a secret of AWS Secrets Manager, "aws-sm:name".
	SecretsManager Kind = "aws-sm:"
	// S3: objects of a bucket under a prefix, "s3://bucket/prefix".
	S3 Kind = "s3://"
	// File: a file or a folder of this machine, "file:path".
	File Kind = "file:"
)

// Reference says where a secret is kept, not what it is.
type Reference struct {
	Kind Kind
	Name string // of the secret, or the file's path
}

// Location says where a folder of files is kept.
type Location struct {
	Kind   Kind
	Path   string // the folder's, or the bucket
	Prefix string // of the objects' keys in the bucket, empty or ending with "/"
}

// cut parses text as one of the kinds and what follows it.
func cut(text string, kinds ...Kind) (Kind, string, bool) {
	for _, kind := range kinds {
		if name, ok := strings.CutPrefix(text, string(kind)); ok && name != "" {
			return kind, name, true
		}
	}
	return "", "", false
}
