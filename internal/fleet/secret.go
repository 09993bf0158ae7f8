package fleet

// Names of an instance's secrets: what the store keeps them under, sealed. The step that comes by a secret and those that
// need it are of different nouns, and none links another's vendor client for a name.
const (
	// DatabasePassword is the Supabase project's.
	DatabasePassword = "database-password"
	// AnonymousKey and ServiceKey are the Supabase project's API keys.
	AnonymousKey = "supabase-anonymous-key"
	ServiceKey   = "supabase-service-key"
	// ConfigKey encrypts the credentials in instance_config: 32 characters, the bytes of an AES-256 key. The instance's own
	// functions get it as a sensitive variable.
	ConfigKey = "instance-config-key"
	// SubuserPassword is the SendGrid subuser's; MailKey is its API key.
	SubuserPassword = "sendgrid-password"
	MailKey         = "sendgrid-api-key"
	// SMSToken is the Twilio subaccount's auth token; SMSKeySecret is the secret of its API key.
	SMSToken     = "twilio-auth-token"
	SMSKeySecret = "twilio-key-secret"
)
