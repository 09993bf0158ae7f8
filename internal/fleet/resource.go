package fleet

import (
	"time"
)

// Kind is a sort of vendor resource or setting that the ledger tracks.
type Kind string

// Resources that stand by themselves. Each is removed by a call of its own.
const (
	SupabaseProject  Kind = "supabase_project"
	VercelProject    Kind = "vercel_project"
	VercelDomain     Kind = "vercel_domain"
	DNSRecord        Kind = "dns_record"
	CloudflareRule   Kind = "cloudflare_rule" // limits how often the host may be asked for
	TwilioSubaccount Kind = "twilio_subaccount"
	SendGridSubuser  Kind = "sendgrid_subuser"
)

// Resources and settings that live inside another resource and vanish with it.
const (
	DatabaseSchema   Kind = "database_schema"
	InstanceConfig   Kind = "instance_config"
	AuthSettings     Kind = "auth_settings"
	EdgeSecrets      Kind = "edge_secrets" // what Supabase's Edge Functions read
	AdminUser        Kind = "admin_user"
	FrontendSettings Kind = "frontend_settings"
	VercelDeployment Kind = "vercel_deployment"
	TwilioKey        Kind = "twilio_key"
	// TwilioService is a Messaging Service. Out of reach in a closed subaccount, it would go on counting: it is deleted before.
	TwilioService   Kind = "twilio_service"
	TwilioCallbacks Kind = "twilio_callbacks" // a Messaging Service's, where they had to be mended
	SendGridKey     Kind = "sendgrid_key"
	SendGridDomain  Kind = "sendgrid_domain"
	// SendGridWebhook is deleted before its subuser: SendGrid says nowhere that it stops with it, and the slug becomes another's.
	SendGridWebhook  Kind = "sendgrid_webhook"
	SendGridPostings Kind = "sendgrid_postings" // that a SendGridWebhook posts the right things, and signs them
	DNSProxy         Kind = "dns_proxy"
	// BrandingAsset is something of the instance's look in its Storage: the bucket, an image, or the page's theme.
	BrandingAsset Kind = "branding_asset"
)

// Switches: settings that go to and fro with an instance's suspension. The attribute Is of their entries tells how they are set.
const (
	FrontendPause  Kind = "frontend_pause"  // whether Vercel serves the frontend
	DNSTarget      Kind = "dns_target"      // whether the host's record leads to Vercel, or to Fleet's page of suspended hosts
	SMSSuspension  Kind = "sms_suspension"  // whether the subaccount may do anything
	MailSuspension Kind = "mail_suspension" // whether the subuser may
	SignIn         Kind = "sign_in"         // whether Auth lets anybody in
	APIKeys        Kind = "api_keys"        // whether the project's HTTP APIs take the instance's keys
)

// Attributes of ledger entries that steps of other nouns read.
const (
	// DatabaseHost and DatabaseUser are a SupabaseProject's: how its database is reached, by its pooler.
	DatabaseHost = "database_host"
	DatabaseUser = "database_user"
	// DomainTarget is a VercelDomain's: what its DNS record must point at.
	DomainTarget = "cname"
	// PostingKey is a SendGridPostings': the public key that verifies what is posted, DER as base64.
	PostingKey = "public_key"
	// MailRecordPrefix begins those of a SendGridDomain that name a DNS record to publish: prefix and host name, with the
	// target as value.
	MailRecordPrefix = "cname:"
)

// Inside maps each contained kind to the kind whose removal takes it along.
func Inside() map[Kind]Kind {
	return map[Kind]Kind{
		DatabaseSchema: SupabaseProject, InstanceConfig: SupabaseProject, AuthSettings: SupabaseProject, AdminUser: SupabaseProject,
		EdgeSecrets:      SupabaseProject,
		FrontendSettings: VercelProject, VercelDeployment: VercelProject,
		TwilioKey: TwilioSubaccount, TwilioService: TwilioSubaccount, TwilioCallbacks: TwilioSubaccount,
		SendGridKey: SendGridSubuser, SendGridDomain: SendGridSubuser, SendGridWebhook: SendGridSubuser, SendGridPostings: SendGridSubuser,
		DNSProxy:      DNSRecord,
		BrandingAsset: SupabaseProject,
		FrontendPause: VercelProject, DNSTarget: DNSRecord, SMSSuspension: TwilioSubaccount, MailSuspension: SendGridSubuser,
		SignIn: SupabaseProject, APIKeys: SupabaseProject,
	}
}

// Settings are the kinds that are written over whatever is there, or have an id of our own choice: there is never a second one.
func Settings() []Kind {
	return append(Switches(), DatabaseSchema, InstanceConfig, AuthSettings, EdgeSecrets, FrontendSettings, DNSProxy, AdminUser, BrandingAsset,
		TwilioCallbacks, SendGridPostings)
}

// ResourceStatus is where a ledger entry is.
type ResourceStatus string

const (
	// Intended: Fleet wants it; an attempt may have made it already.
	Intended ResourceStatus = "intended"
	// Created: it is there, under the entry's vendor id.
	Created ResourceStatus = "created"
	// Removing: its deletion was asked for.
	Removing ResourceStatus = "removing"
	// Removed: it is gone.
	Removed ResourceStatus = "removed"
	// Absent: it was intended, never seen, and surely is not there within the bounds; where Unknown, looked for again.
	Absent ResourceStatus = "absent"
)

// Resource is a ledger entry: what Fleet has, or may have, at a vendor.
type Resource struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // our name for it, unique within its kind and instance
	// ID is the vendor's id, empty while none is known.
	ID     string         `json:"id,omitempty"`
	Status ResourceStatus `json:"status"`
	// Attributes are the vendor's answers that later steps need. No secrets.
	Attributes map[string]string `json:"attributes,omitempty"`
	// Attempt is the invocation that may be talking to the vendor about it; nil if none may.
	Attempt *Attempt `json:"attempt,omitempty"`
	// LookUntil is until when look-ups by name may miss it. It only ever grows.
	LookUntil time.Time `json:"look_until,omitzero"`
	// Unknown: an attempt ended without telling what it did. It is never cleared, but rechecks see to it.
	Unknown bool `json:"unknown,omitempty"`
	// Estranged: what has its ID at the vendor was seen to be another's by its mark, or its name, when it was to be removed.
	Estranged bool `json:"estranged,omitempty"`
	// Conflicted: a create was told that the name is taken although no look-up showed it.
	Conflicted bool  `json:"conflicted,omitempty"`
	Epoch      int64 `json:"epoch"`
	// RecheckAt is when the recheck looks again, zero for never; Rechecks is how many are left after that.
	RecheckAt time.Time `json:"recheck_at,omitzero"`
	Rechecks  int       `json:"rechecks,omitempty"`
	// RecheckFailures counts the looks in a row that failed.
	RecheckFailures int `json:"recheck_failures,omitempty"`
	// Asked is who asked for an orphan of this kind and name to be deleted, the last time; nil while nobody did.
	Asked *Asked `json:"asked,omitempty"`
	// Answer is the HTTP status with which the vendor answered its deletion; 0 where it was gone, or was never asked for.
	Answer    int       `json:"answer,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	RemovedAt time.Time `json:"removed_at,omitzero"`
}

// Asked is an operator's word that an orphan be deleted although that can't be undone.
type Asked struct {
	By string    `json:"by"` // as in the audit: "operator:…"
	At time.Time `json:"at"`
	// Without is why it goes without a verified export of the instance, for other operators; empty where there is one, or none is needed.
	Without string `json:"without,omitempty"`
	// Waits: it is carried out once another operator asks for it, too, on a day of more than one decides alone. Second is who did.
	Waits  bool   `json:"waits,omitempty"`
	Second string `json:"second,omitempty"`
}

// Gone reports whether the entry is removed or absent.
func (r Resource) Gone() bool { return r.Status == Removed || r.Status == Absent }

// Left are the kinds of those entries of a ledger that are not gone.
func Left(ledger []Resource) (left []Kind) {
	for _, e := range ledger {
		if !e.Gone() {
			left = append(left, e.Kind)
		}
	}
	return left
}

// Attempt is one invocation's right to talk to a vendor about one resource or message.
type Attempt struct {
	Nonce string `json:"nonce"`
	// Deadline is the invocation's hard one; requests sent before it may land for a quiet period after.
	Deadline time.Time `json:"deadline"`
}
