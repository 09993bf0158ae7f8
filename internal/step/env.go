// Package step runs the steps of Fleet's workflows: it decodes the input, proves the lease, bounds the time, recovers
// panics and turns faults into the error names that the state machines know. Ensure, Change, Remove and Send are the ledger
// protocol: the one place where an effect at a vendor is made safe against death, repetition and overlap.
package step

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"log/slog"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Env is every port a step may use. Each invocation has one of its own.
type Env struct {
	Clock clock.Clock
	Store *store.Store
	Vault *seal.Vault
	// Provider is what vendor clients are made of.
	Provider provider.Config
	// Gate is what the calls of vendors go through, and knows which vendor is down.
	Gate *Gate
	// Databases opens a customer's database by its connection string.
	Databases func(ctx context.Context, url provider.Secret) (schema.Database, error)
	// Executions starts and describes executions of the state machines.
	Executions Executions
	// Trigger invokes a function asynchronously, by its catalog name. A schedule backs it up.
	Trigger func(ctx context.Context, function string) error
	// Publish hands an incident to the people on call, not by way of any vendor.
	Publish func(ctx context.Context, subject, text string) error
	// Logs finds what was logged about an instance.
	Logs func(ctx context.Context, query LogQuery) ([]view.LogLine, error)
	// Calendar has what is due looked after at a time to come.
	Calendar Calendar
	// Surroundings describes what of a deployment lies around its functions.
	Surroundings Surroundings
	// Exports is where customers' exports are kept, and Archive where what must outlast an instance is: nobody can change or
	// delete anything there before its time.
	Exports, Archive objects.Store
	// History is where instances' configurations are kept, as they are and were: it is written only.
	History objects.Store
	// Release is the set of built files that new instances get.
	Release fs.FS
	// Nonce gives a value that no other invocation has.
	Nonce func() string
	// Secret gives fresh random text of n characters, as RandomSecret does.
	Secret   func(n int) provider.Secret
	Settings Settings
	Log      *slog.Logger
	// Request is the invocation's request id, for logs and the audit.
	Request string
}

// Settings are Fleet's own.
type Settings struct {
	// Slots is how many provisionings may run at once, at most; 0 leaves it to the vendors' budgets alone.
	Slots int
	// Limits are the vendors' rate limits, where they have granted more than they publish.
	Limits budget.Limits
	// PublicURL is where Fleet's own API is reached, without a trailing slash.
	PublicURL string
	// Quotas are how much of something the vendors allow Fleet, by the names of Quotas. 0 or missing: not known.
	Quotas map[string]int
	// AutoApprove are the plans whose signups need no operator's decision.
	AutoApprove []string
	// TerminationsADay is how many instances are terminated within a day on one operator's word; 0 for fleet.TerminationsADay.
	TerminationsADay int
	// EndUnpaid lets a decommission begin of an instance that is suspended for unpaid bills. Otherwise those are in its way: the unpaid lock.
	EndUnpaid bool
}

// UnpaidLock says whether unpaid bills are in the way of a decommission.
func (s Settings) UnpaidLock() fleet.UnpaidLock { return fleet.UnpaidLock(!s.EndUnpaid) }

// Names of the quotas.
const (
	SupabaseProjects  = "supabase-projects"
	VercelProjects    = "vercel-projects"
	DNSRecords        = "dns-records"
	RateLimitRules    = "rate-limit-rules"
	TwilioSubaccounts = "twilio-subaccounts"
	SendGridSubusers  = "sendgrid-subusers"
)

// Quotas lists the quotas' names.
func Quotas() []string {
	return []string{SupabaseProjects, VercelProjects, DNSRecords, RateLimitRules, TwilioSubaccounts, SendGridSubusers}
}

// Names of Fleet's own secrets, found like the vendors' credentials.
const (
	WebhookSecret = "webhook-secret"
	OperatorToken = "operator-token"
	// LinkSecret signs the links by which operators decide on signups: MinLinkSecret bytes at least, or two such, separated by white
	// space, of which the first signs.
	LinkSecret = "link-secret"
)

// MinLinkSecret is how long the secret of HS256 must be, in bytes: as long as its hash (RFC 7518, section 3.2).
const MinLinkSecret = 32

// Execution is what is known of an execution.
type Execution string

const (
	// Unstarted: there is no execution of the name.
	Unstarted Execution = "unstarted"
	// Open: it runs.
	Open Execution = "open"
	// Closed: it has ended, however.
	Closed Execution = "closed"
)

// Executions is the port to the state machines.
type Executions interface {
	// Start starts an execution of a workflow. One of that name that is there already, open or closed, is success.
	Start(ctx context.Context, workflow, name string, input any) error
	// Status describes an execution.
	Status(ctx context.Context, workflow, name string) (Execution, error)
}

// Calendar is the port to one-time schedules. Each invokes the function that looks after whatever is due, at least once, at its time
// or later; a sweep backs it up.
type Calendar interface {
	// Set makes a schedule, or moves the one of that name: of 1 to 64 letters, digits and "-_.".
	Set(ctx context.Context, name string, at time.Time) error
	// Delete deletes a schedule. One that isn't there is success.
	Delete(ctx context.Context, name string) error
}

// LogQuery says which lines are wanted: those that name the instance, at From and later, oldest first, Limit at most.
type LogQuery struct {
	InstanceID string
	From       time.Time
	Limit      int
}

// Surroundings is the port to what lies around the functions. For what isn't there, provider.NotFound holds of the error.
type Surroundings interface {
	// Schedules lists the scheduled functions whose schedule is there and enabled, by their catalog names.
	Schedules(ctx context.Context) ([]string, error)
	// DeadLetters counts the asynchronous invocations that were given up.
	DeadLetters(ctx context.Context) (int, error)
	// CredentialChanged is when one of Fleet's own credentials was last changed; zero where nobody knows.
	CredentialChanged(ctx context.Context, name string) (time.Time, error)
}

// RandomSecret is fresh random text of n characters, at least 8, of 6 bits each but for the first three, which see to it that
// capitals, small letters and digits are all there. The others are letters, digits, "-" and "_".
func RandomSecret(n int) provider.Secret {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails
	return provider.NewSecret("Gx7" + base64.RawURLEncoding.EncodeToString(random)[:n-3])
}
