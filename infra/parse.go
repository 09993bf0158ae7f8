package main

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Patterns of context values. A stage is in names that are 64 characters at most.
const (
	stagePattern       = `^[a-z][a-z0-9-]{0,14}[a-z0-9]$`
	domainPattern      = `^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`
	zonePattern        = `^[0-9a-f]{32}$`
	slugPattern        = `^[A-Za-z0-9][A-Za-z0-9_-]*$`
	teamPattern        = `^team_[A-Za-z0-9]+$`
	twilioPattern      = `^AC[0-9a-f]{32}$`
	prefixPattern      = `^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`
	certificatePattern = `^arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate/\S+$`
	policyPattern      = `^arn:[a-z-]+:iam::(\d{12}|aws):policy/\S+$`
	mostSlots          = 1000
	mostTerminations   = 1000
)

// parse reads the configuration from the context. All that is wrong with it comes at once, in one error.
func parse(context map[string]any, root string) (Config, error) {
	r := &reader{context: context}
	c := Config{Stage: r.text("stage", stagePattern, needed, `"production", "dev" or another stage's name: 2 to 16 of a-z, 0-9 and -`)}
	r.ofStage(c.Stage)
	c.Domain = r.text("domain", domainPattern, needed, "the domain that instances are under, such as gimbal.app")
	c.Zone = r.text("zone", zonePattern, needed, "the id of the domain's zone at Cloudflare, 32 hexadecimal digits")
	c.SuspendedHost = r.text("suspendedHost", domainPattern, needed, "the host name where the page of suspended instances is, such as suspended.gimbal.app")
	c.Organisation = r.text("organisation", slugPattern, needed, "the organisation's slug at Supabase")
	c.Team = r.text("team", teamPattern, needed, "the team's id at Vercel, team_…")
	c.TwilioAccount = r.text("twilioAccount", twilioPattern, needed, "the SID of the parent account at Twilio, AC and 32 hexadecimal digits")
	c.SendGridIPs = r.list("sendgridIps", needed, isIPv4, "the account's IPv4 addresses at SendGrid, a list or separated by commas")
	c.MailFrom = r.mail("mailFrom")
	c.OperatorMail = r.mail("operatorMail")
	c.Release = r.text("release", prefixPattern, needed, "the prefix of the release's files in the bucket of releases, such as frontend/1.0.0")
	c.Quotas = r.quotas("quotas")
	c.Pagers = r.list("pagers", needed, isMail, "the mail addresses that incidents and alarms go to, a list or separated by commas")
	r.optional(&c)
	c.Functions = r.functions("functions", root, c.Architecture)
	r.unknown()
	return c, r.problem(c.Stage)
}

func (r *reader) optional(c *Config) {
	c.AutoApprove = r.list("autoApprove", free, isPlan, "plans of "+strings.Join(fleet.Plans(), ", ")+", a list or separated by commas")
	c.PublicURL = strings.TrimRight(r.url("publicUrl", "https"), "/")
	c.CustomDomain = r.text("customDomain", domainPattern, free, "a host name for the API")
	c.Certificate = r.text("certificate", certificatePattern, free, "the ARN of a certificate of ACM for customDomain, in the API's region")
	if (c.CustomDomain == "") != (c.Certificate == "") {
		r.refuse("customDomain", "given together with certificate, or neither of them")
	}
	c.SuspendedCertificate = r.text("suspendedCertificate", certificatePattern, free, "the ARN of a certificate of ACM for every host under domain, in the API's region")
	c.PermissionsBoundary = r.text("permissionsBoundary", policyPattern, free, "the ARN of an IAM policy")
	c.Architecture = r.text("architecture", "^("+arm64+"|"+x86+")$", free, arm64+" or "+x86)
	if c.Architecture == "" {
		c.Architecture = arm64
	}
	if r.given("slots") {
		c.Slots = r.number("slots", mostSlots)
	}
	if r.given("terminationsADay") {
		c.TerminationsADay = r.number("terminationsADay", mostTerminations)
	}
	if r.given("limits") {
		c.Limits = r.limits("limits")
	}
	c.UnpaidLock = r.flag("unpaidLock", true)
	c.Dashboard = r.flag("dashboard", true)
	c.DetailedMetrics = r.flag("detailedMetrics", false)
}

type need bool

const (
	needed need = true
	free   need = false
)

// reader reads context values and collects what is wrong with them.
type reader struct {
	context, stage map[string]any
	asked          []string
	wrong          []string
}

// ofStage lets the values of context.stages.<stage> stand behind those given by themselves.
func (r *reader) ofStage(stage string) {
	stages, _ := r.value("stages").(map[string]any)
	r.stage, _ = stages[stage].(map[string]any)
}

func (r *reader) value(key string) any {
	r.asked = append(r.asked, key)
	if v, ok := r.context[key]; ok {
		return v
	}
	return r.stage[key]
}

func (r *reader) given(key string) bool { v := r.value(key); return v != nil && v != "" }

// refuse notes what is wanted of a value, once.
func (r *reader) refuse(key, want string) {
	text := key + " is wrong: it must be " + want
	if !r.given(key) {
		text = key + " is missing: it must be " + want
	}
	if !slices.ContainsFunc(r.wrong, func(w string) bool { return strings.HasPrefix(w, key+" is ") }) {
		r.wrong = append(r.wrong, text)
	}
}

func (r *reader) text(key, pattern string, n need, want string) string {
	if !r.given(key) && !bool(n) {
		return ""
	}
	text, ok := r.value(key).(string)
	if !ok || !regexp.MustCompile(pattern).MatchString(text) {
		r.refuse(key, want)
	}
	return text
}

// flag reads a switch: true or false, as JSON or as text.
func (r *reader) flag(key string, otherwise bool) bool {
	switch v := r.value(key).(type) {
	case nil:
		return otherwise
	case bool:
		return v
	case string:
		if v == "true" || v == "false" {
			return v == "true"
		}
	}
	r.refuse(key, "true or false")
	return otherwise
}

func (r *reader) mail(key string) string {
	text, _ := r.value(key).(string)
	if !isMail(text) {
		r.refuse(key, "a mail address alone, such as hello@example.com")
	}
	return text
}

// list reads a JSON array of texts, or texts separated by commas.
func (r *reader) list(key string, n need, valid func(string) bool, want string) []string {
	var list []string
	switch v := r.value(key).(type) {
	case string:
		for text := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(text))
		}
	case []any:
		for _, item := range v {
			text, _ := item.(string)
			list = append(list, text)
		}
	}
	if (r.given(key) || bool(n)) && (len(list) == 0 || slices.ContainsFunc(list, func(text string) bool { return !valid(text) })) {
		r.refuse(key, want)
	}
	return list
}

func (r *reader) number(key string, most int) int {
	n, ok := count(r.value(key))
	if !ok || n < 0 || n > most {
		r.refuse(key, "a number from 0 to "+strconv.Itoa(most))
	}
	return n
}

func (r *reader) url(key string, schemes ...string) string {
	if !r.given(key) {
		return ""
	}
	text, _ := r.value(key).(string)
	if u, err := url.Parse(text); err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		r.refuse(key, "a URL that begins with "+strings.Join(schemes, ":// or ")+"://")
	}
	return text
}

// object reads a JSON object of texts, or the text of one, and gives its text.
func (r *reader) object(key string) string {
	if !r.given(key) {
		return ""
	}
	v := r.value(key)
	if text, ok := v.(string); ok {
		v = nil
		_ = json.Unmarshal([]byte(text), &v) // what does not decode is no object
	}
	fields, ok := v.(map[string]any)
	if !ok {
		r.refuse(key, "a JSON object")
	}
	text, _ := json.Marshal(fields) // it came from JSON
	return string(text)
}

func (r *reader) quotas(key string) map[string]int {
	var fields map[string]any
	_ = json.Unmarshal([]byte(r.object(key)), &fields) // without a value there is no text
	quotas := map[string]int{}
	for _, name := range quotaNames {
		if n, ok := count(fields[name]); ok && n > 0 {
			quotas[name] = n
		}
	}
	if len(quotas) != len(quotaNames) || len(fields) != len(quotaNames) {
		r.refuse(key, "a JSON object of what the contracts allow, with a number for each of "+strings.Join(quotaNames, ", "))
	}
	return quotas
}

func (r *reader) limits(key string) (limits budget.Limits) {
	if err := json.Unmarshal([]byte(r.object(key)), &limits); err != nil || !limits.Valid() {
		r.refuse(key, budget.ValidLimits())
	}
	return limits
}

// functions is the folder of the built functions, in which each must be, built for the architecture.
func (r *reader) functions(key, root, architecture string) string {
	folder, _ := r.value(key).(string)
	if folder == "" {
		folder = filepath.Join("build", "functions")
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(root, folder)
	}
	for _, f := range catalog.Functions() {
		bootstrap := filepath.Join(folder, f.Name, "bootstrap")
		if _, err := os.Stat(bootstrap); err != nil {
			r.wrong = append(r.wrong, fmt.Sprintf("%s is wrong: it must be a folder with <name>/bootstrap for every function, as "+
				"make build makes it; %s has none for %s", key, folder, f.Name))
			break
		}
		if built := builtFor(bootstrap); built != "" && built != architecture {
			r.wrong = append(r.wrong, fmt.Sprintf("%s is wrong: it must be built for %s, by make build GOARCH=%s; %s is for %s",
				key, architecture, goarch[architecture], bootstrap, built))
			break
		}
	}
	return folder
}

// goarch is how Go calls an architecture.
var goarch = map[string]string{arm64: "arm64", x86: "amd64"}

// builtFor is the architecture of an executable; empty for what is none, which a script is.
func builtFor(path string) string {
	file, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // it is only read
	switch file.Machine {
	case elf.EM_AARCH64:
		return arm64
	case elf.EM_X86_64:
		return x86
	}
	return file.Machine.String()
}

// unknown refuses keys that nothing reads: a misspelt one would go unnoticed. Those of CDK itself have a colon.
func (r *reader) unknown() {
	for _, from := range []map[string]any{r.context, r.stage} {
		for key := range from {
			if !strings.Contains(key, ":") && !slices.Contains(r.asked, key) {
				r.wrong = append(r.wrong, key+" is not known: infra/README.md lists the keys there are")
			}
		}
	}
}

func (r *reader) problem(stage string) error {
	if len(r.wrong) == 0 {
		return nil
	}
	slices.Sort(r.wrong)
	return fmt.Errorf("the context of stage %q is not complete and right:\n  %s\nGive a value by -c key=value, or in infra/cdk.json under context.stages.%s",
		stage, strings.Join(slices.Compact(r.wrong), "\n  "), stage)
}

// count reads a whole number from JSON or from text.
func count(v any) (int, bool) {
	switch v := v.(type) {
	case float64:
		return int(v), v == math.Trunc(v)
	case string:
		n, err := strconv.Atoi(v)
		return n, err == nil
	}
	return 0, false
}

func isPlan(text string) bool { return slices.Contains(fleet.Plans(), text) }

func isIPv4(text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && address.Is4()
}

func isMail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}
