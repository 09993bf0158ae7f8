package onaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// parse reads the configuration of a function. All that is wrong with it comes at once, each error naming its variable;
// values are not repeated, since people mistake a reference for the place of the secret itself.
func parse(f catalog.Function, lookup func(string) string) (Config, error) {
	r := reader{lookup: lookup, entry: f}
	c := Config{Stage: r.matching("FLEET_STAGE", stagePattern, `"production" or another stage's name, of a-z, 0-9 and -`)}
	c.Endpoints = r.endpoints(c.Stage)
	if c.Stage == production && lookup("AWS_ENDPOINT_URL") != "" {
		r.refuse("AWS_ENDPOINT_URL", "unset in production, where AWS's own endpoints are the only ones")
	}
	c.Vendors.Domain = r.matching("FLEET_DOMAIN", domainPattern, "a domain, such as gimbal.app")
	if r.granted(catalog.Table) {
		c.Table = r.matching("FLEET_TABLE", tablePattern, "a DynamoDB table's name")
	}
	if r.granted(catalog.Keys, catalog.MintKeys, catalog.DestroyKeys) {
		c.KeysTable = r.matching("FLEET_KEYS_TABLE", tablePattern, "a DynamoDB table's name")
		c.KeyEncryptionKey = r.keyEncryptionKey(c.Stage)
	}
	if r.granted(catalog.StartRuns) {
		c.StateMachines = r.stateMachines()
	}
	if r.granted(catalog.InvokeAdmit) {
		c.AdmitFunction = r.matching("FLEET_ADMIT_FUNCTION", functionPattern, "a function's name or ARN")
	}
	if r.granted(catalog.InvokeDeliver) {
		c.DeliverFunction = r.matching("FLEET_DELIVER_FUNCTION", functionPattern, "a function's name or ARN")
	}
	if r.granted(catalog.Publish) {
		c.IncidentTopic = r.matching("FLEET_INCIDENT_TOPIC", topicPattern, "the ARN of an SNS topic")
	}
	if r.granted(catalog.ReadLogs) {
		c.LogGroups = r.logGroups()
	}
	if r.granted(catalog.ReadRelease) {
		c.Release = r.release(c.Stage)
	}
	if r.granted(catalog.Exports, catalog.ReadExports) {
		c.Exports = r.matching("FLEET_EXPORTS", bucketPattern, "a bucket's name")
	}
	if r.granted(catalog.Archive) {
		c.Archive = r.matching("FLEET_ARCHIVE", bucketPattern, "a bucket's name")
	}
	if r.granted(catalog.History) {
		c.History = r.matching("FLEET_HISTORY", bucketPattern, "a bucket's name")
	}
	if r.granted(catalog.Calendar) {
		c.Calendar = r.calendar()
	}
	if r.granted(catalog.Inspect) {
		c.ScheduleGroup = r.matching("FLEET_SCHEDULE_GROUP", groupPattern, "a schedule group's name")
		c.DeadLetters = r.matching("FLEET_DEAD_LETTERS", queuePattern, "a queue's URL, https://sqs.…")
	}
	c.Credentials = r.credentials(c.Stage)
	r.vendors(&c.Vendors)
	c.Settings = r.settings()
	return c, errors.Join(r.wrong...)
}

// Patterns of variables. They are compiled when they are used: starting must be cheap.
const (
	stagePattern       = `^[a-z][a-z0-9-]*$`
	domainPattern      = `^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`
	tablePattern       = `^[A-Za-z0-9_.-]{3,255}$`
	functionPattern    = `^(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]+)?$`
	kmsPattern         = `^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+$`
	prefixPattern      = `^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]*$`
	machinePattern     = `^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$`
	topicPattern       = `^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$`
	logGroupPattern    = `^[A-Za-z0-9_/.#-]{1,512}$`
	groupPattern       = `^[0-9A-Za-z_.-]{1,64}$`
	queuePattern       = `^https?://[^\s/]+/(\S+/)?[A-Za-z0-9_-]{1,80}$`
	functionARNPattern = `^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}$`
	rolePattern        = `^arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]{1,128}$`
	queueARNPattern    = `^arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$`
	bucketPattern      = `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`
	anything           = `^\S+$`
)

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// reader reads variables for a function and collects what is wrong with them.
type reader struct {
	lookup func(string) string
	entry  catalog.Function
	wrong  []error
}

func (r *reader) granted(any ...catalog.Grant) bool { return granted(r.entry, any...) }

// granted reports whether a function has at least one of the grants.
func granted(f catalog.Function, any ...catalog.Grant) bool {
	return slices.ContainsFunc(f.Grants, func(g catalog.Grant) bool { return slices.Contains(any, g) })
}

func grantedSecret(f catalog.Function, name string) bool {
	return granted(f, catalog.Grant(catalog.SecretPrefix+name))
}

// refuse notes what is wrong with a variable.
func (r *reader) refuse(variable, want string) {
	if r.lookup(variable) == "" {
		r.wrong = append(r.wrong, fmt.Errorf("%s is not set: it must be %s", variable, want))
	} else {
		r.wrong = append(r.wrong, fmt.Errorf("%s is wrong: it must be %s", variable, want))
	}
}

func (r *reader) matching(variable string, pattern, want string) string {
	text := r.lookup(variable)
	if !matches(pattern, text) {
		r.refuse(variable, want)
	}
	return text
}

// decode decodes a JSON object strictly.
func decode(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

func (r *reader) keyEncryptionKey(stage string) string {
	const variable = "FLEET_KMS_KEY"
	text := r.lookup(variable)
	if _, _, isFile := cut(text, File); isFile && stage != production {
		return text
	}
	if !matches(kmsPattern, text) {
		r.refuse(variable, `the ARN of a KMS key, or outside production "file:" and a path`)
	}
	return text
}

func (r *reader) stateMachines() StateMachines {
	const variable = "FLEET_STATE_MACHINES"
	const want = "a JSON object of every workflow's state machine ARN, or what these ARNs begin with"
	text := r.lookup(variable)
	if matches(prefixPattern, text) {
		return StateMachines{Prefix: text}
	}
	var s StateMachines
	if err := decode(text, &s.ARNs); err != nil {
		r.refuse(variable, want)
		return s
	}
	for _, workflow := range catalog.Workflows() {
		if !matches(machinePattern, s.ARNs[workflow]) {
			r.refuse(variable, want+"; that of "+workflow+" is not there, or is none")
		}
	}
	return s
}

func (r *reader) calendar() (c Calendar) {
	const variable = "FLEET_CALENDAR"
	if err := decode(r.lookup(variable), &c); err != nil || !matches(groupPattern, c.Group) || !matches(functionARNPattern, c.Function) ||
		!matches(rolePattern, c.Role) || !matches(queueARNPattern, c.DeadLetters) {
		r.refuse(variable, "a JSON object of group, a schedule group's name, and the ARNs function, role and dead_letters")
	}
	return c
}

// mostLogGroups is how many log groups one query of CloudWatch Logs Insights reads.
const mostLogGroups = 50

func (r *reader) logGroups() []string {
	names := strings.Split(r.lookup("FLEET_LOG_GROUPS"), ",")
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); !matches(logGroupPattern, names[i]) || len(names) > mostLogGroups {
			r.refuse("FLEET_LOG_GROUPS", "names of log groups, separated by commas, "+strconv.Itoa(mostLogGroups)+" at most")
			return nil
		}
	}
	return names
}

func (r *reader) release(stage string) Location {
	const variable = "FLEET_RELEASE"
	kind, rest, ok := cut(r.lookup(variable), S3, File)
	if !ok || kind == File && stage == production {
		r.refuse(variable, `"s3://bucket/prefix", or outside production "file:" and a folder`)
	}
	if kind != S3 {
		return Location{Kind: kind, Path: rest}
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	if bucket == "" {
		r.refuse(variable, `"s3://" and a bucket's name`)
	}
	return Location{Kind: kind, Path: bucket, Prefix: prefix}
}

func (r *reader) credentials(stage string) map[string]Reference {
	const variable = "FLEET_CREDENTIALS"
	var needed []string
	for _, g := range r.entry.Grants {
		if name, ok := strings.CutPrefix(string(g), catalog.SecretPrefix); ok {
			needed = append(needed, name)
		}
	}
	for _, own := range []string{step.WebhookSecret, step.LinkSecret} {
		if r.granted(catalog.Inspect) && !slices.Contains(needed, own) {
			needed = append(needed, own)
		}
	}
	if len(needed) == 0 {
		return nil
	}
	var texts map[string]string
	if err := decode(r.lookup(variable), &texts); err != nil {
		r.refuse(variable, `a JSON object of references, such as {"`+needed[0]+`":"aws-sm:fleet/`+needed[0]+`"}`)
		return nil
	}
	references := map[string]Reference{}
	for _, name := range needed {
		kind, rest, ok := cut(texts[name], SecretsManager, File)
		if !ok || kind == File && stage == production {
			r.refuse(variable, `a JSON object whose "`+name+`" is "aws-sm:" and a secret's name, or outside production "file:" and a path`)
			continue
		}
		references[name] = Reference{Kind: kind, Name: rest}
	}
	return references
}

func (r *reader) vendors(s *provider.Settings) {
	for _, v := range []struct {
		credential, variable, want string
		into                       *string
	}{
		{provider.SupabaseToken, "FLEET_SUPABASE_ORGANIZATION", "an organisation's slug", &s.SupabaseOrganization},
		{provider.VercelToken, "FLEET_VERCEL_TEAM", "a team's id, team_…", &s.VercelTeam},
		{provider.CloudflareToken, "FLEET_CLOUDFLARE_ZONE", "a zone's id", &s.CloudflareZone},
		{provider.TwilioToken, "FLEET_TWILIO_ACCOUNT", "the parent account's SID, AC…", &s.TwilioAccount},
		{provider.SendGridKey, "FLEET_MAIL_FROM", "a mail address", &s.MailFrom},
		{provider.SendGridKey, "FLEET_OPERATOR_MAIL", "a mail address", &s.OperatorMail},
	} {
		if grantedSecret(r.entry, v.credential) {
			*v.into = r.matching(v.variable, anything, v.want)
		}
	}
	if grantedSecret(r.entry, provider.CloudflareToken) {
		s.SuspendedHost = r.matching("FLEET_SUSPENDED_HOST", domainPattern, "the host name of the page of suspended instances")
	}
	if !grantedSecret(r.entry, provider.SendGridKey) {
		return
	}
	for variable, address := range map[string]string{"FLEET_MAIL_FROM": s.MailFrom, "FLEET_OPERATOR_MAIL": s.OperatorMail} {
		if a, err := mail.ParseAddress(address); address != "" && (err != nil || a.Address != address) {
			r.refuse(variable, "a mail address alone, such as hello@example.com")
		}
	}
	for _, text := range strings.Split(r.lookup("FLEET_SENDGRID_IPS"), ",") {
		address, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil || !address.Is4() {
			r.refuse("FLEET_SENDGRID_IPS", "IPv4 addresses of the account, separated by commas")
			return
		}
		s.SendGridIPs = append(s.SendGridIPs, address.String())
	}
}

// mostSlots is far over what the vendors' rate budgets allow.
const mostSlots = 1000

func (r *reader) settings() step.Settings {
	var s step.Settings
	if r.entry.Name == catalog.Admit.Name {
		n, err := strconv.Atoi(r.lookup("FLEET_SLOTS"))
		if err != nil || n < 0 || n > mostSlots {
			r.refuse("FLEET_SLOTS", "a number from 0, which leaves it to the vendors' budgets, to "+strconv.Itoa(mostSlots))
		}
		s.Slots = n
	}
	if slices.Contains(catalog.MakeLinks(), r.entry.Name) {
		text := strings.TrimRight(r.lookup("FLEET_PUBLIC_URL"), "/")
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(text, "?#") {
			r.refuse("FLEET_PUBLIC_URL", "the URL of Fleet's own API, https://…, to which paths are added")
		}
		s.PublicURL = text
	}
	if r.granted(catalog.Inspect, catalog.Quotas) {
		s.Quotas = r.quotas()
	}
	s.Limits = r.limits()
	s.TerminationsADay = r.terminationsADay()
	s.EndUnpaid = !r.unpaidLock()
	if slices.Contains([]string{catalog.AutoApprove.Name, catalog.Deliver.Name}, r.entry.Name) {
		s.AutoApprove = r.plans()
	}
	return s
}

// mostTerminations is far over what a fleet of thousands ends in a day.
const mostTerminations = 1000

func (r *reader) terminationsADay() int {
	const variable = "FLEET_TERMINATIONS_A_DAY"
	if r.lookup(variable) == "" {
		return 0
	}
	n, err := strconv.Atoi(r.lookup(variable))
	if err != nil || n < 1 || n > mostTerminations {
		r.refuse(variable, "a number from 1 to "+strconv.Itoa(mostTerminations))
	}
	return n
}

func (r *reader) unpaidLock() bool {
	const variable = "FLEET_UNPAID_LOCK"
	switch r.lookup(variable) {
	case "", "true":
	case "false":
		return false
	default:
		r.refuse(variable, "true or false")
	}
	return true
}

func (r *reader) plans() (plans []string) {
	const variable = "FLEET_AUTO_APPROVE"
	if r.lookup(variable) == "none" {
		return nil
	}
	for plan := range strings.SplitSeq(r.lookup(variable), ",") {
		if plan = strings.TrimSpace(plan); !slices.Contains(fleet.Plans(), plan) {
			r.refuse(variable, "plans of "+strings.Join(fleet.Plans(), ", ")+", separated by commas, or \"none\"")
			return nil
		}
		plans = append(plans, plan)
	}
	return plans
}

func (r *reader) limits() (limits budget.Limits) {
	const variable = "FLEET_LIMITS"
	if r.lookup(variable) == "" {
		return nil
	}
	if err := decode(r.lookup(variable), &limits); err != nil || !limits.Valid() {
		r.refuse(variable, budget.ValidLimits())
		return nil
	}
	return limits
}

func (r *reader) quotas() map[string]int {
	const variable = "FLEET_QUOTAS"
	var quotas map[string]int
	err := decode(r.lookup(variable), &quotas)
	wrong := err != nil || quotas == nil
	for name, n := range quotas {
		wrong = wrong || n < 0 || !slices.Contains(step.Quotas(), name)
	}
	if wrong {
		r.refuse(variable, `a JSON object of numbers of `+strings.Join(step.Quotas(), ", ")+`, or "{}" where none is known`)
		return nil
	}
	return quotas
}
