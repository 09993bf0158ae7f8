package main

import (
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// flags are those that every command has.
type flags struct {
	API       string        `name:"api" env:"FLEETCTL_API" placeholder:"URL" group:"Everywhere:" help:"The operators' API on AWS, which the deployment prints."`
	Profile   string        `placeholder:"NAME" group:"Everywhere:" help:"The AWS profile whose credentials sign, if not AWS_PROFILE or the default one."`
	Region    string        `placeholder:"NAME" group:"Everywhere:" help:"The API's AWS region, where neither its host name nor the profile tells it."`
	TokenFile string        `type:"path" env:"FLEETCTL_TOKEN_FILE" placeholder:"FILE" group:"Everywhere:" help:"A file with a bearer token to show instead of signing; FLEETCTL_TOKEN holds the token itself."`
	Local     folder        `placeholder:"DIR" group:"Everywhere:" help:"Talk to what \"serve\" keeps up on this machine; --local=DIR names its --data, .data unless told."`
	JSON      bool          `name:"json" group:"Everywhere:" help:"Print exactly the API's document, and nothing else, on standard output."`
	Timeout   time.Duration `default:"35s" group:"Everywhere:" help:"How long the API may take to answer."`
}

// commands are fleetctl's command line.
type commands struct {
	flags

	List        listCommand        `cmd:"" group:"Look:" help:"List the instances, and the signups that are none yet."`
	Signups     signupsCommand     `cmd:"" group:"Look:" help:"List the signups that wait for a decision, with who signed up."`
	Show        showCommand        `cmd:"" group:"Look:" help:"Show all that Fleet knows of an instance."`
	Incidents   incidentsCommand   `cmd:"" group:"Look:" help:"List the open incidents, oldest first."`
	Logs        logsCommand        `cmd:"" group:"Look:" help:"Print an instance's log lines, of functions and workflows."`
	Exports     exportsCommand     `cmd:"" group:"Look:" help:"List an instance's exports, or show one with its files."`
	Certificate certificateCommand `cmd:"" group:"Look:" help:"Print the certificate of an instance's deletion, as the archive holds it."`
	Doctor      doctorCommand      `cmd:"" group:"Look:" help:"Check credentials, quotas and schedules, and say how to mend what is wrong."`
	Runbook     runbookCommand     `cmd:"" group:"Look:" help:"Print the runbook of a fault code or kind of incident, or list them."`

	Approve            approveCommand            `cmd:"" group:"Decide:" help:"Approve a signup: it is provisioned as soon as a slot is free."`
	Reject             rejectCommand             `cmd:"" group:"Decide:" help:"Reject a signup that waits for approval. Its slug is free again."`
	Cancel             cancelCommand             `cmd:"" group:"Decide:" help:"Cancel a provisioning: all that it made is taken down. Or a suspension or resumption: it is switched back. Or give up an export, or an import that ended dirty."`
	Suspend            suspendCommand            `cmd:"" group:"Decide:" help:"Switch a live instance off. Nothing of it is deleted."`
	Resume             resumeCommand             `cmd:"" group:"Decide:" help:"Switch a suspended instance on again."`
	Export             exportCommand             `cmd:"" group:"Decide:" help:"Copy all that an instance holds, for its customer. Nothing of it changes."`
	Import             importCommand             `cmd:"" group:"Decide:" help:"Put an export, of another instance or of one that is no more, into a fresh instance."`
	Decommission       decommissionCommand       `cmd:"" group:"Decide:" help:"Give an instance's customer notice of its end; or show what that would be, or is; or take it back."`
	ApproveTermination approveTerminationCommand `cmd:"" group:"Decide:" help:"Be the second operator whom a termination needs on a day of many."`
	AcceptExport       acceptExportCommand       `cmd:"" group:"Decide:" help:"Say that an instance may be deleted by an export that lacks something, or by the last there is."`
	Hold               holdCommand               `cmd:"" group:"Decide:" help:"Put an instance under a legal hold: nothing of it is deleted."`
	Lift               liftCommand               `cmd:"" group:"Decide:" help:"Lift an instance's legal hold."`
	Retry              retryCommand              `cmd:"" group:"Decide:" help:"Go on with what ended dirty: a take-down, the undoing of a suspension or resumption, or an import."`
	Resend             resendCommand             `cmd:"" group:"Decide:" help:"Send a message once more, as a new one."`
	Ack                ackCommand                `cmd:"" group:"Decide:" help:"Say that you see to an incident, or that it is dealt with."`
	RemoveOrphan       removeOrphanCommand       `cmd:"" group:"Decide:" help:"Delete what a vendor has of an instance that its ledger doesn't tell of, as its incident names it."`
	Adopt              adoptCommand              `cmd:"" group:"Decide:" help:"Take what was put back at a vendor by hand into an instance's ledger, as its incident names it."`
	Freeze             freezeCommand             `cmd:"" group:"Decide:" help:"Let nothing new start, in the whole fleet, of terminations, or at one vendor. What runs goes on to its end."`
	Thaw               thawCommand               `cmd:"" group:"Decide:" help:"End a freeze."`
}

const (
	instanceArgument = "An instance: its id, an unambiguous beginning of it, or its slug."
	wholeArgument    = "An instance: its id or its slug, in full."
)

type listCommand struct {
	State []string `placeholder:"STATE" help:"Only those in this state, of instance or signup, such as ACTIVE or REQUESTED, or in this stage of their end, such as notice or grace; may be given several times."`
}

func (listCommand) Help() string {
	return examples("fleetctl list", "fleetctl list --state requested --state provisioning", "fleetctl list --state active --json", "fleetctl list --state notice --state grace", "fleetctl list --json | jq -r '.instances[].slug'")
}

type showCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Audit    bool   `help:"Show the whole audit chain instead of its end."`
}

func (showCommand) Help() string {
	return examples("fleetctl show acme-dental", "fleetctl show df4a5ecc --audit") + "\n\nExits with 3 where the audit chain is broken."
}

type incidentsCommand struct {
	Fail bool `help:"Exit with 3 where one is open."`
}

func (incidentsCommand) Help() string {
	return examples("fleetctl incidents", "fleetctl incidents --fail")
}

type logsCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Since    string `default:"24h" placeholder:"WHEN" help:"How far back, such as 30m or 2h, or a time such as 2026-01-02T15:04:05Z (24h unless told)."`
	Limit    int    `default:"500" placeholder:"LINES" help:"At most so many lines, the oldest first (500 unless told, 2000 at most)."`
}

func (logsCommand) Help() string {
	return examples("fleetctl logs acme-dental --since 2h", "fleetctl logs acme-dental --json | jq -r '.lines[].text'")
}

type doctorCommand struct{}

func (doctorCommand) Help() string {
	return examples("fleetctl doctor") + "\n\nExits with 3 where something is broken. What is only a warning, or could not be checked, is no failure."
}

type runbookCommand struct {
	Code string `arg:"" optional:"" help:"A fault code or kind of incident; upper or lower case. Left out, all are listed."`
}

func (runbookCommand) Help() string {
	return examples("fleetctl runbook", "fleetctl runbook MessageUnknown")
}

type approveCommand struct {
	Instance string `arg:"" help:"${instance}"`
}

func (approveCommand) Help() string { return examples("fleetctl approve acme-dental") }

type rejectCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Reason   string `required:"" placeholder:"TEXT" help:"Why; whoever knows the signup's id can read it."`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (rejectCommand) Help() string {
	return examples(`fleetctl reject acme-dental --reason "signed up twice"`)
}

type cancelCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (cancelCommand) Help() string {
	return examples("fleetctl cancel acme-dental", "fleetctl cancel acme-dental --yes")
}

type suspendCommand struct {
	Instance string                 `arg:"" help:"${whole}"`
	Reason   fleet.SuspensionReason `required:"" enum:"payment,violation" help:"Why, as its administrator is told: payment or violation."`
	Note     string                 `placeholder:"TEXT" help:"A line for other operators; nobody else sees it."`
	Yes      bool                   `short:"y" help:"Don't ask."`
}

func (suspendCommand) Help() string {
	return examples("fleetctl suspend acme-dental --reason payment", `fleetctl suspend acme-dental --reason violation --note "ticket 4711" --yes`) +
		"\n\nIts visitors see a page of ours, nobody signs in, no message is sent or received. Its administrator is told by mail."
}

type resumeCommand struct {
	Instance string `arg:"" help:"${instance}"`
}

func (resumeCommand) Help() string {
	return examples("fleetctl resume acme-dental") + "\n\nAll is as it was before the suspension. Its administrator is told by mail."
}

type exportCommand struct {
	Instance string `arg:"" help:"${instance}"`
}

func (exportCommand) Help() string {
	return examples("fleetctl export acme-dental") + "\n\nIt is done once \"fleetctl exports\" calls it verified: every file was read back. The instance's administrator is mailed a link then, and its files are kept for 30 days."
}

type importCommand struct {
	Instance string `arg:"" help:"${whole}"`
	From     string `required:"" placeholder:"INSTANCE/EXPORT" help:"The other instance, likewise in full, and its export: by its id or the end of that."`
	Yes      bool   `short:"y" help:"Don't ask."`

	OtherCustomer string `placeholder:"WHY" help:"Import also what may be another customer's: no administrator in it has the mail address of the instance's signup. Both audits keep why."`
}

func (importCommand) Help() string {
	return examples("fleetctl import acme-again --from acme-dental/7", "fleetctl import acme-again --from 80a3f6ff-ef7d-5468-80f5-d24647091906/7 --yes") +
		"\n\nThe export must be verified and its files still kept; the instance ACTIVE, of the same schema, and nobody may have worked in it. " +
		"People sign in with the passwords they had; the administrator that the provisioning made is replaced, and the link in the mail to them is good for nothing. " +
		"Webhooks are switched off, API keys revoked, campaigns paused and messages that wait skipped: nothing goes on in two places. It is done once \"show\" tells of no operation any more."
}

type exportsCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Export   string `arg:"" optional:"" help:"An export, by its id or the end of it: with its files and their checksums."`
}

func (exportsCommand) Help() string {
	return examples("fleetctl exports acme-dental", "fleetctl exports acme-dental 7")
}

type certificateCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Page     bool   `help:"Print its page for people, which is HTML, in place of its JSON."`
}

func (certificateCommand) Help() string {
	return examples("fleetctl certificate acme-dental", "fleetctl certificate acme-dental --page") +
		"\n\nIt is issued when everything of an instance is deleted. Its SHA-256 is told by \"show\"."
}

type decommissionCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Plan     bool   `xor:"what" required:"" help:"Only show it: what happens when, what can't be undone, what is kept, what is in the way."`
	Reason   string `xor:"what" required:"" placeholder:"TEXT" help:"Give notice. Why; for other operators and the audit, nobody else sees it."`
	Cancel   bool   `xor:"what" required:"" help:"Take it back: the instance is what it was before. Possible until it is TERMINATED."`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (decommissionCommand) Help() string {
	return examples("fleetctl decommission acme-dental --plan", `fleetctl decommission acme-dental --reason "contract ended"`, "fleetctl decommission acme-dental --cancel") +
		"\n\nIts administrator gets a copy of its data and the dates by mail. After 30 days it is suspended and exported once more, after another 30 it is deleted."
}

type approveTerminationCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (approveTerminationCommand) Help() string {
	return examples("fleetctl approve-termination acme-dental")
}

type acceptExportCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Why      string `required:"" placeholder:"TEXT" help:"Why it suffices; it is shown with the decommission."`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (acceptExportCommand) Help() string {
	return examples(`fleetctl accept-export acme-dental --why "the customer removed the project and has the copy"`)
}

type holdCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Why      string `required:"" placeholder:"TEXT" help:"Why; it is shown to whoever finds that the instance doesn't end."`
}

func (holdCommand) Help() string {
	return examples(`fleetctl hold acme-dental --why "case 12 O 345/26"`)
}

type liftCommand struct {
	Instance string `arg:"" help:"${whole}"`
	Why      string `required:"" placeholder:"TEXT" help:"Why; it stays in the audit."`
	Yes      bool   `short:"y" help:"Don't ask."`
}

func (liftCommand) Help() string {
	return examples(`fleetctl lift acme-dental --why "the court has decided"`)
}

type retryCommand struct {
	Instance string `arg:"" help:"${instance}"`
}

func (retryCommand) Help() string { return examples("fleetctl retry acme-dental") }

type resendCommand struct {
	Instance string `arg:"" help:"${instance}"`
	Message  string `arg:"" help:"A message's id, as \"show\" lists it: invitation, welcome, operator-word."`
}

func (resendCommand) Help() string {
	return examples("fleetctl resend acme-dental invitation") + "\n\nExits with 3 where it was refused, or may be lost."
}

type ackCommand struct {
	Instance string `arg:"" help:"${instance} \"fleet\" stands for the whole fleet."`
	Incident string `arg:"" optional:"" help:"Its kind, or its id or an unambiguous beginning of it. May be left out where one is open only."`
	Close    bool   `help:"It is dealt with: close it."`
}

func (ackCommand) Help() string {
	return examples("fleetctl ack acme-dental", "fleetctl ack acme-dental MessageUnknown --close", "fleetctl ack fleet CheckFailed")
}

type removeOrphanCommand struct {
	Instance string     `arg:"" help:"${whole}"`
	Kind     fleet.Kind `arg:"" help:"Its kind, such as dns_record."`
	Name     string     `arg:"" help:"Its name, as the incident tells it."`
	// WithoutExport goes into the ledger, for other operators.
	WithoutExport string `placeholder:"TEXT" help:"Why something that may hold a customer's data is deleted without a verified final export of the instance."`
	Yes           bool   `short:"y" help:"Don't ask."`
}

func (removeOrphanCommand) Help() string {
	return examples("fleetctl remove-orphan acme-dental dns_record old.gimbal.app", `fleetctl remove-orphan acme-dental supabase_project gimbal-… --without-export "it is empty"`) +
		"\n\nThe next recheck deletes it, within minutes: what has that name and the instance's mark, and is not what the ledger calls created." +
		"\n\nA project, a subaccount or a subuser counts as a termination: beyond a number of them a day another operator has to ask for the same."
}

type adoptCommand struct {
	Instance string     `arg:"" help:"${instance}"`
	Kind     fleet.Kind `arg:"" help:"Its kind, such as dns_record."`
	Name     string     `arg:"" help:"Its name, as the incident tells it."`
}

func (adoptCommand) Help() string {
	return examples("fleetctl adopt acme-dental dns_record acme-dental.gimbal.app") +
		"\n\nIt must carry the instance's mark; nothing is changed at the vendor."
}

type freezeCommand struct {
	Scope  string `arg:"" help:"\"fleet\", \"terminations\", or a vendor: supabase, vercel, cloudflare, twilio, sendgrid."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; it is shown to whoever finds that nothing starts."`
}

func (freezeCommand) Help() string {
	return examples(`fleetctl freeze twilio --reason "Twilio has an outage"`, `fleetctl freeze fleet --reason "the table is being restored"`)
}

type thawCommand struct {
	Scope string `arg:"" help:"What was frozen: \"fleet\", \"terminations\" or a vendor."`
}

func (thawCommand) Help() string { return examples("fleetctl thaw twilio") }

// examples is a command's help with what to type.
func examples(lines ...string) string { return "Examples:\n\n    " + strings.Join(lines, "\n    ") }

const about = "The operator's command line of Gimbal Fleet. Name the API by --api or FLEETCTL_API; on AWS requests are signed " +
	"with your own credentials. For the system that \"make serve\" keeps up on this machine say --local.\n\n" + exitHelp

func newParser(c *commands, t terminal, exit func(int)) (*kong.Kong, error) {
	return kong.New(c, kong.Name("fleetctl"), kong.Description(about), kong.Writers(t.out, t.err), kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.Vars{"instance": instanceArgument, "whole": wholeArgument})
}

// doubleDashes gives long flags with one dash their second one: Go's own tools take -json as well as --json, and so does
// the local runner.
func doubleDashes(app *kong.Application, args []string) []string {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // nothing in it fails
		if f, ok := node.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && known[name] && strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") {
			args[i] = "-" + arg
		}
	}
	return args
}
