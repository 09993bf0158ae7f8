package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
)

// TestWrongUsage: each with 2, a reason, and nothing asked of the API.
func TestWrongUsage(t *testing.T) {
	api := newFakeAPI(t, nil)
	for line, want := range map[string]string{
		"":                                      "expected one of",
		"lst":                                   `did you mean one of "list", "lift"`,
		"list --jsn":                            `unknown flag --jsn`,
		"list extra":                            "unexpected argument extra",
		"show":                                  `expected "<instance>"`,
		"reject acme-dental":                    "missing flags: --reason",
		"suspend acme-dental":                   "missing flags: --reason",
		"decommission acme-dental":              "--plan",
		"hold acme-dental":                      "missing flags: --why",
		"import acme-dental":                    "missing flags: --from",
		"import " + acme + " --from acme-again": "an instance and its export",
		"lift --why x " + acme:                  "say --yes",
		"remove-orphan " + acme + " dns_record old.gimbal.app": "say --yes",
		"decommission " + acme + " --cancel":                   "say --yes",
		"accept-export acme-dental":                            "missing flags: --why",
		"accept-export --why x " + acme:                        "say --yes",
		"approve-termination " + acme:                          "say --yes",
		"suspend acme-dental --reason decommission":            "must be one of",
		"suspend " + acme + " --reason payment":                "say --yes",
		"logs acme-dental --since later":                       "neither a length of time",
		"logs acme-dental --since 0s":                          "neither a length of time",
		"logs acme-dental --limit 0":                           "1 to 2000 lines",
		"logs acme-dental --limit 2001":                        "1 to 2000 lines",
		"list --state LIVE":                                    "is none of [PROVISIONING",
		"list --json --state ACTIVE --state REQUESTED":         "jq",
		"freeze --reason x":                                    `expected "<scope>"`,
		"freeze twilio":                                        "missing flags: --reason",
		"runbook Overdu":                                       `did you mean "Overdue"`,
		"runbook nonsense":                                     "fleetctl runbook",
		"cancel " + acme:                                       "say --yes",
		"reject " + acme + " --reason x":                       "say --yes",
		"list --api http://example.com":                        "use https",
		"list --api nowhere":                                   "no address such as",
		"list --api https://x/?a=b":                            "no address such as",
		"list --local --profile x":                             "--local takes address and token from the folder",
	} {
		fleetctl(t, strings.Fields(line)...).want(t, exitUsage, "", want)
	}
	if len(api.asked) > 0 {
		t.Errorf("the API was asked: %q", api.lines())
	}
	t.Setenv("FLEETCTL_API", "")
	fleetctl(t, "--api", "http://127.0.0.1:1", "cancel", "", "--yes").want(t, exitUsage, "", "name an instance")
	fleetctl(t, "list").want(t, exitUsage, "", "which API?")
}

// TestHelp: every command explains itself, with an example of its own that parses, and says nothing on the other stream.
func TestHelp(t *testing.T) {
	fleetctl(t, "--help").want(t, exitDone, "Exit codes: 0 done", "")
	for _, command := range leaves(t) {
		got := fleetctl(t, command, "--help")
		got.want(t, exitDone, "Usage: fleetctl "+command, "")
		examples := regexp.MustCompile(`(?m)^    (fleetctl .*?)( \|.*)?$`).FindAllStringSubmatch(got.out, -1)
		if len(examples) == 0 || got.err != "" {
			t.Errorf("%s has no example: %s%s", command, got.out, got.err)
		}
		for _, e := range examples {
			if !strings.HasPrefix(e[1], "fleetctl "+command) {
				t.Errorf("%s is no example of %s", e[1], command)
			}
			parses(t, e[1])
		}
	}
}

// TestRunbooksNameCommandsThatThereAre, with arguments and flags that they take.
func TestRunbooksNameCommandsThatThereAre(t *testing.T) {
	command := regexp.MustCompile("(?m)^    (fleetctl .*)$|`(fleetctl [^`]*)`")
	for _, page := range runbooks.All() {
		found := command.FindAllStringSubmatch(page.Text, -1)
		if len(found) == 0 {
			t.Errorf("%s names no command", page.Code)
		}
		for _, f := range found {
			parses(t, f[1]+f[2])
		}
		if n := strings.Count(page.Text, "fleetctl"); n != len(found) {
			t.Errorf("%s: %d of %d commands stand neither on a line of their own nor between backquotes", page.Code, n-len(found), n)
		}
	}
}

// TestParsesSeesWhatIsWrong is the test of the two tests above.
func TestParsesSeesWhatIsWrong(t *testing.T) {
	for _, line := range []string{"fleetctl shw INSTANCE", "fleetctl show", "fleetctl show INSTANCE --deep", "fleetctl freeze VENDOR", "fleet show INSTANCE"} {
		if parse(line) == nil {
			t.Errorf("%q parses", line)
		}
	}
}

func parses(t *testing.T, line string) {
	t.Helper()
	if err := parse(line); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}

func parse(line string) error {
	rest, ok := strings.CutPrefix(line, "fleetctl ")
	if !ok {
		return wrong("no command of fleetctl")
	}
	var args []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(rest, -1) {
		args = append(args, m[1]+m[2])
	}
	var c commands
	parser, err := newParser(&c, terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
	if err == nil {
		_, err = parser.Parse(args)
	}
	return err
}

// leaves are the names of all commands.
func leaves(t *testing.T) (names []string) {
	t.Helper()
	var c commands
	parser, err := newParser(&c, terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		names = append(names, leaf.Name)
	}
	if len(names) != 28 {
		t.Errorf("%d commands: %q", len(names), names)
	}
	return names
}

// TestOneDash: Go's own spelling of long flags is taken too.
func TestOneDash(t *testing.T) {
	var c commands
	parser, err := newParser(&c, terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	got := doubleDashes(parser.Model, []string{"-json", "reject", "-y", "-reason=a -json", "--yes", "-local=x", "-unknown", "-", "--", "-json"})
	want := []string{"--json", "reject", "-y", "--reason=a -json", "--yes", "--local=x", "-unknown", "-", "--", "-json"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	_, err = parser.Parse([]string{"list", "--local"})
	if err != nil || c.Local != ".data" {
		t.Errorf("%q, %v", c.Local, err)
	}
	if _, err = parser.Parse([]string{"list", "--local=elsewhere"}); err != nil || c.Local != "elsewhere" {
		t.Errorf("%q, %v", c.Local, err)
	}
}

var _ kong.BoolMapperValue = (*folder)(nil)
