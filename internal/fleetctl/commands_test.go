package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// whole is an API that has an answer to everything.
func whole(t *testing.T) map[string]answer {
	t.Helper()
	at := func(line string) string { return strings.ReplaceAll(line, "{id}", acme) }
	return map[string]answer{
		"GET /instances":          {200, encoded(t, sampleFleet())},
		at("GET /instances/{id}"): {200, encoded(t, sampleInstance())},
		"GET /incidents":          {200, encoded(t, view.Incidents{Incidents: sampleIncidents()[:2]})},
		"GET /doctor":             {200, encoded(t, sampleDiagnosis())},
		at("GET /instances/{id}/logs?limit=500&since=2h"): {200, encoded(t, sampleLogs())},
		at("POST /signups/{id}/approve"):                  {202, `{"id":"` + acme + `","slug":"acme-dental","status":"APPROVED","place":2,"next_action":"none: it begins by itself"}`},
		at("POST /signups/{id}/reject"):                   {202, `{"id":"` + acme + `","slug":"acme-dental","status":"REJECTED","reason":"a double","next_action":"none"}`},
		at("POST /instances/{id}/cancel"):                 {202, `{"operation":"op","execution":"op-teardown-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/suspend"):                {202, `{"operation":"suspend-3","execution":"suspend-3-suspend-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/resume"):                 {202, `{"operation":"resume-4","execution":"resume-4-resume-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/exports"):                {202, `{"operation":"export-5","execution":"export-5-export-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/import"):                 {202, `{"operation":"import-6","execution":"import-6-import-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("GET /instances/{id}/exports"):                 {200, encoded(t, view.Exports{Exports: sampleExports()})},
		at("GET /instances/{id}/exports/export-5"):        {200, encoded(t, view.Export{Export: sampleExports()[0], Content: []view.ExportFile{{Name: "csv/public.contacts.csv", Bytes: 2048, SHA256: "ab12", Rows: 31}}, Lacks: []string{"media documents/a.pdf: it was deleted"}})},
		at("GET /instances/{id}/decommission"): {200, `{"instance_id":"` + acme + `","steps":[{"at":"2026-12-25T12:00:00Z","what":"the instance is suspended"},{"at":"2027-01-24T12:00:00Z","what":"it is terminated","final":true}],` +
			`"resources":[{"kind":"supabase_project","name":"gimbal","id":"ref","vendor":"supabase","at":"2027-01-24T12:00:00Z","final":true}],"kept":[{"what":"backups","until":"2027-04-24T12:00:00Z"}],"obstacles":["a legal hold stands"]}`},
		at("POST /instances/{id}/decommission"):               {202, `{"operation":"decommission-n1","execution":"decommission-n1-notice-1","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/decommission/approve"):       {200, `{"n":1,"second":"operator:bob"}`},
		at("POST /instances/{id}/decommission/accept-export"): {200, `{"n":1,"accepted":{"export":"export-5"}}`},
		at("POST /instances/{id}/decommission/cancel"):        {202, `{"stage":"withdrawn"}`},
		at("GET /instances/{id}/certificate"):                 {200, encoded(t, view.Certificate{JSON: "{\n}\n", SHA256: "d914176fd50bd7f565700006a31aa97b79d3ad17cee20c8e5ff2061d5cb74817", Page: "<html>"})},
		at("POST /instances/{id}/hold"):                       {200, `{"by":"operator:ada","why":"a case"}`},
		at("POST /instances/{id}/lift"):                       {200, `{}`},
		at("POST /instances/{id}/remove-orphan"):              {202, `{"kind":"dns_record","name":"old.gimbal.app"}`},
		at("POST /instances/{id}/adopt"):                      {200, `{"kind":"dns_record","name":"acme-dental.gimbal.app"}`},
		at("POST /instances/{id}/retry"):                      {202, `{"operation":"op","execution":"op-teardown-2","deadline":"2026-11-25T13:00:00Z"}`},
		at("POST /instances/{id}/resend"):                     {202, `{"operation":"op","message":{"id":"welcome-resend-3","status":"sent"}}`},
		"POST /incidents/acknowledge":                         {200, encoded(t, sampleIncidents()[1])},
		"POST /freeze":                                        {200, encoded(t, view.Frozen{Frozen: sampleFleet().Frozen})},
		"POST /thaw":                                          {200, `{"frozen":[]}`},
	}
}

// TestCommands: what each asks of the API, and says.
func TestCommands(t *testing.T) {
	for line, c := range map[string]struct {
		code int
		out  string
		asks []string // the last with its body
	}{
		"list":                                                     {0, "6 instances; 1 to decide on", []string{"GET /instances "}},
		"list --state active":                                      {0, "1 instance of 6", []string{"GET /instances "}},
		"list --state SUSPENDED":                                   {0, "None of the 6", []string{"GET /instances "}},
		"list --state grace":                                       {0, "None of the 6", []string{"GET /instances "}},
		"certificate acme-dental":                                  {0, "{\n}\n", []string{"GET /instances", "GET /instances/" + acme + "/certificate "}},
		"certificate " + acme + " --page":                          {0, "<html>", []string{"GET /instances/" + acme + "/certificate "}},
		"list --state admitted":                                    {0, "2 instances of 6", []string{"GET /instances "}},
		"show acme-dental":                                         {0, "chain whole", []string{"GET /instances", "GET /instances/" + acme + " "}},
		"show " + acme:                                             {0, "fleetctl runbook QuotaExceeded", []string{"GET /instances/" + acme + " "}},
		"show df4a5ecc-3 --audit":                                  {0, "signup.decided", []string{"GET /instances", "GET /instances/" + acme + " "}},
		"incidents":                                                {0, "2 incidents open", []string{"GET /incidents "}},
		"incidents --fail":                                         {exitFound, "CheckFailed", []string{"GET /incidents "}},
		"doctor":                                                   {exitFound, "1 broken", []string{"GET /doctor "}},
		"logs acme-dental --since 2h":                              {0, "create-project", []string{"GET /instances", "GET /instances/" + acme + "/logs?limit=500&since=2h "}},
		"approve acme-dental":                                      {0, "is APPROVED, number 2 in the queue", []string{"GET /instances", "POST /signups/" + acme + "/approve {}"}},
		"reject acme-dental --reason a-double --yes":               {0, "is REJECTED", []string{"GET /instances", "POST /signups/" + acme + `/reject {"reason":"a-double"}`}},
		"cancel acme-dental -y":                                    {0, "is being taken down\n", []string{"GET /instances", "POST /instances/" + acme + "/cancel {}"}},
		"decommission acme-dental --plan":                          {0, "ref at supabase, deleted; can't be undone", []string{"GET /instances", "GET /instances/" + acme + "/decommission "}},
		"decommission acme-dental --reason leaves -y":              {0, "is being decommissioned\n", []string{"GET /instances", "POST /instances/" + acme + `/decommission {"reason":"leaves"}`}},
		"approve-termination acme-dental -y":                       {0, "may end", []string{"GET /instances", "POST /instances/" + acme + "/decommission/approve {}"}},
		"accept-export acme-dental --why gone -y":                  {0, "may be deleted by the export", []string{"GET /instances", "POST /instances/" + acme + `/decommission/accept-export {"why":"gone"}`}},
		"decommission acme-dental --cancel -y":                     {0, "is not decommissioned any more", []string{"GET /instances", "POST /instances/" + acme + "/decommission/cancel {}"}},
		"hold acme-dental --why case":                              {0, "is under a legal hold", []string{"GET /instances", "POST /instances/" + acme + `/hold {"why":"case"}`}},
		"remove-orphan acme-dental dns_record old.gimbal.app -y":   {0, "next recheck", []string{"GET /instances", "POST /instances/" + acme + `/remove-orphan {"kind":"dns_record","name":"old.gimbal.app"}`}},
		"adopt acme-dental dns_record acme-dental.gimbal.app":      {0, "in its ledger", []string{"GET /instances", "POST /instances/" + acme + `/adopt {"kind":"dns_record","name":"acme-dental.gimbal.app"}`}},
		"lift acme-dental -y --why settled":                        {0, "is under no legal hold", []string{"GET /instances", "POST /instances/" + acme + `/lift {"why":"settled"}`}},
		"suspend acme-dental --reason payment -y":                  {0, "is being suspended\n", []string{"GET /instances", "POST /instances/" + acme + `/suspend {"reason":"payment"}`}},
		"suspend acme-dental --reason=violation --note=4711 --yes": {0, "suspend-3-suspend-1", []string{"GET /instances", "POST /instances/" + acme + `/suspend {"reason":"violation","note":"4711"}`}},
		"resume acme-dental":                                       {0, "is being resumed\n", []string{"GET /instances", "POST /instances/" + acme + "/resume {}"}},
		"export acme-dental":                                       {0, "is being exported\n", []string{"GET /instances", "POST /instances/" + acme + "/exports {}"}},
		"import acme-dental --from acme-dental/5 -y": {0, "is being filled with what acme-dental (df4a5ecc) held\n", []string{"GET /instances", "GET /instances", "GET /instances/" + acme + "/exports",
			"POST /instances/" + acme + `/import {"from":"` + acme + `","export":"export-5"}`}},
		"import acme-dental --from acme-dental/5 --other-customer merged -y": {0, "is being filled", []string{"GET /instances", "GET /instances", "GET /instances/" + acme + "/exports", "POST /instances/" + acme + `/import {"from":"` + acme + `","export":"export-5","other_customer":"merged"}`}},
		"import " + acme + " --from " + acme + "/6 -y":                       {exitUsage, "", []string{"GET /instances/" + acme + "/exports "}},
		"exports acme-dental":        {0, "2 exports; 1 verified", []string{"GET /instances", "GET /instances/" + acme + "/exports "}},
		"exports acme-dental 5":      {0, "csv/public.contacts.csv", []string{"GET /instances", "GET /instances/" + acme + "/exports", "GET /instances/" + acme + "/exports/export-5 "}},
		"retry acme-dental":          {0, "once more", []string{"GET /instances", "POST /instances/" + acme + "/retry {}"}},
		"resend acme-dental welcome": {0, "welcome-resend-3 of acme-dental (df4a5ecc) is sent", []string{"GET /instances", "POST /instances/" + acme + `/resend {"message":"welcome"}`}},
		"ack acme-dental":            {0, "You see to MessageUnknown", []string{"GET /incidents", "GET /instances", `POST /incidents/acknowledge {"instance_id":"` + acme + `","id":"message-welcome"}`}},
		"ack fleet checkfailed --close": {0, "CheckFailed of the whole fleet is closed", []string{"GET /incidents",
			`POST /incidents/acknowledge {"instance_id":"fleet","id":"check-sendgrid.quota","close":true}`}},
		"freeze twilio --reason outage": {0, "twilio is frozen", []string{`POST /freeze {"scope":"twilio","reason":"outage"}`}},
		"thaw twilio":                   {0, "Nothing is frozen", []string{`POST /thaw {"scope":"twilio"}`}},
		"runbook messageunknown":        {0, "fleetctl resend INSTANCE MESSAGE", nil},
		"runbook":                       {0, "QuotaExceeded", nil},
	} {
		t.Run(line, func(t *testing.T) {
			api := newFakeAPI(t, whole(t))
			fleetctl(t, strings.Fields(line)...).want(t, c.code, c.out, "")
			asked := api.lines()
			if n := len(api.asked); n > 0 {
				asked[n-1] += " " + api.asked[n-1].body
			}
			if !slices.Equal(asked, c.asks) {
				t.Errorf("asked %q, want %q", asked, c.asks)
			}
		})
	}
}

// TestJSON: exactly the API's document, with the same exit code, and never a question.
func TestJSON(t *testing.T) {
	answers := whole(t)
	for line, document := range map[string]string{
		"list": "GET /instances", "show " + acme: "GET /instances/" + acme, "incidents --fail": "GET /incidents", "doctor": "GET /doctor",
		"logs acme-dental --since 2h": "GET /instances/" + acme + "/logs?limit=500&since=2h", "approve acme-dental": "POST /signups/" + acme + "/approve",
		"reject acme-dental --reason a-double -y": "POST /signups/" + acme + "/reject", "cancel acme-dental -y": "POST /instances/" + acme + "/cancel",
		"suspend acme-dental --reason payment -y": "POST /instances/" + acme + "/suspend", "resume acme-dental": "POST /instances/" + acme + "/resume",
		"retry acme-dental": "POST /instances/" + acme + "/retry", "resend acme-dental welcome": "POST /instances/" + acme + "/resend",
		"import acme-dental --from acme-dental/5 -y": "POST /instances/" + acme + "/import",
		"export acme-dental":                         "POST /instances/" + acme + "/exports", "exports acme-dental": "GET /instances/" + acme + "/exports", "exports acme-dental 5": "GET /instances/" + acme + "/exports/export-5",
		"hold acme-dental --why case": "POST /instances/" + acme + "/hold", "lift acme-dental -y --why settled": "POST /instances/" + acme + "/lift", "certificate acme-dental": "GET /instances/" + acme + "/certificate",
		"decommission acme-dental --plan": "GET /instances/" + acme + "/decommission", "decommission acme-dental --reason leaves -y": "POST /instances/" + acme + "/decommission", "decommission acme-dental --cancel -y": "POST /instances/" + acme + "/decommission/cancel",
		"accept-export acme-dental --why gone -y": "POST /instances/" + acme + "/decommission/accept-export",
		"approve-termination acme-dental -y":      "POST /instances/" + acme + "/decommission/approve",
		"ack acme-dental":                         "POST /incidents/acknowledge", "freeze twilio --reason outage": "POST /freeze", "thaw twilio": "POST /thaw",
	} {
		newFakeAPI(t, answers)
		got, plain := fleetctl(t, append(strings.Fields(line), "-json")...), fleetctl(t, strings.Fields(line)...)
		if got.out != answers[document].body+"\n" || got.err != "" || got.code != plain.code {
			t.Errorf("%s: %d, %s%s", line, got.code, got.out, got.err)
		}
	}
	fleetctl(t, "runbook", "--json").want(t, exitDone, `{"runbooks":[{"code":"BrandingFailed","title":`, "")
	fleetctl(t, "runbook", "overdue", "--json").want(t, exitDone, `{"code":"Overdue","title":"a deadline has passed","text":"# Overdue`, "")
}

// TestListChoosesByTheAPI: under --json the document is the API's, so the API chooses.
func TestListChoosesByTheAPI(t *testing.T) {
	api := newFakeAPI(t, map[string]answer{"GET /instances?state=ACTIVE": {200, `{"instances":[],"frozen":[]}`}, "GET /instances?signup=REQUESTED": {200, "{}"}, "GET /instances?stage=grace": {200, "{}"}})
	fleetctl(t, "list", "--state", "active", "--json").want(t, exitDone, `{"instances":[],"frozen":[]}`, "")
	fleetctl(t, "list", "--state", "requested", "--json").want(t, exitDone, `{}`, "")
	fleetctl(t, "list", "--state", "GRACE", "--json").want(t, exitDone, `{}`, "")
	fleetctl(t, "list", "--state", "withdrawn", "--json").want(t, exitUsage, "", "nor of an end's [notice closing grace terminating ended]")
	if len(api.asked) != 3 {
		t.Error(api.lines())
	}
}

// TestCertificateIsChecked: one that has another checksum than was told is printed to nobody.
func TestCertificateIsChecked(t *testing.T) {
	newFakeAPI(t, map[string]answer{"GET /instances/" + acme + "/certificate": {200, encoded(t, view.Certificate{JSON: "{}", SHA256: "c0ffee", Page: "<html>"})}})
	for _, flag := range []string{"--page", "--page=false"} {
		if got := fleetctl(t, "certificate", acme, flag); got.code != exitFailed || got.out != "" || !strings.Contains(got.err, "another checksum") {
			t.Errorf("%+v", got)
		}
	}
}

// TestMoreLogs: that there are more is said beside the lines, with how to see them.
func TestMoreLogs(t *testing.T) {
	logs := sampleLogs()
	logs.More = true
	newFakeAPI(t, map[string]answer{"GET /instances/" + acme + "/logs?limit=5&since=2026-11-25T11%3A00%3A00Z": {200, encoded(t, logs)}})
	fleetctl(t, "logs", acme, "--limit", "5", "--since", "2026-11-25T11:00:00Z").
		want(t, exitDone, "REPORT", "there are later lines: fleetctl logs "+acme+" --since 2026-11-25T11:50:02.1Z")
}

// TestCancelsASignup that waits for its slot: there is no run to tell of.
func TestCancelsASignup(t *testing.T) {
	newFakeAPI(t, map[string]answer{"POST /instances/" + gamma + "/cancel": {202, `{"signup":"REJECTED"}`}})
	fleetctl(t, "cancel", gamma, "-y").want(t, exitDone, gamma+" is REJECTED: it waited for its slot, and nothing was made", "")
}

// TestFound: what is asked about and not in order has a code of its own.
func TestFound(t *testing.T) {
	answers := whole(t)
	broken := sampleInstance()
	broken.AuditFault = "audit chain is broken at entry 3"
	answers["GET /instances/"+acme] = answer{200, encoded(t, broken)}
	answers["GET /incidents"] = answer{200, `{"incidents":[]}`}
	fine := sampleDiagnosis()
	fine.Checks[1].Verdict = view.Unchecked
	answers["GET /doctor"] = answer{200, encoded(t, fine)}
	newFakeAPI(t, answers)
	fleetctl(t, "show", acme).want(t, exitFound, "NOT WHOLE: audit chain is broken at entry 3", "")
	fleetctl(t, "show", acme, "-json").want(t, exitFound, "audit_fault", "")
	fleetctl(t, "incidents", "--fail").want(t, exitDone, "No incident is open", "")
	fleetctl(t, "doctor").want(t, exitDone, "2 unchecked", "")
	for status, code := range map[fleet.MessageStatus]int{fleet.MessageUnknown: exitFound, fleet.MessageFailed: exitFound, fleet.MessageSent: exitDone, fleet.MessageIntended: exitDone} {
		answers["POST /instances/"+acme+"/resend"] = answer{202, `{"message":{"id":"m","status":"` + string(status) + `"}}`}
		fleetctl(t, "resend", acme, "welcome").want(t, code, string(status), "")
	}
}

// TestConfirms: a person is asked, and only a yes is one.
func TestConfirms(t *testing.T) {
	api := newFakeAPI(t, whole(t))
	for typed, code := range map[string]int{"y\n": exitDone, "YES\n": exitDone, "n\n": exitFailed, "\n": exitFailed, "": exitFailed, "yesterday\n": exitFailed} {
		api.asked = nil
		got := fleetctlOn(t, terminal{in: strings.NewReader(typed), asks: true}, "cancel", acme)
		got.want(t, code, "", "Cancel the provisioning of "+acme+"? All that it made at the vendors is deleted. [y/N]")
		if (len(api.asked) == 1) != (code == exitDone) {
			t.Errorf("%q: asked %q", typed, api.lines())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var complaint bytes.Buffer
	silent, _ := io.Pipe()
	code := run(ctx, []string{"cancel", acme}, terminal{in: silent, out: io.Discard, err: &complaint, asks: true})
	if code != exitFailed || !strings.HasSuffix(complaint.String(), "[y/N] \nfleetctl: nothing was done\n") {
		t.Errorf("Ctrl-C at the question: %d, %s", code, complaint.String())
	}
	fleetctlOn(t, terminal{in: strings.NewReader("no\n"), asks: true}, "reject", "acme-dental", "--reason", "x").
		want(t, exitFailed, "", "Reject the signup of acme-dental (df4a5ecc)? Whoever still wants it must sign up again. [y/N] fleetctl: nothing was done")
}

func TestPick(t *testing.T) {
	all := sampleFleet().Instances
	dead := func(id, slug string) view.Row {
		return view.Row{ID: id, Slug: slug, Signup: fleet.Failed, State: fleet.Terminated}
	}
	all = append(all, dead("aa000000-37f0-5b06-b82f-426350807da2", "gone"), dead("aa000001-37f0-5b06-b82f-426350807da2", "gone"),
		view.Row{ID: "cc000000-37f0-5b06-b82f-426350807da2", Slug: "gamma-garage", Signup: fleet.Expired},
		dead("aa000002-37f0-5b06-b82f-426350807da2", "once"), dead("bb000000-37f0-5b06-b82f-426350807da2", "aa00"))
	for name, want := range map[string]string{
		"acme-dental":  acme, // the living one of two
		"gamma-garage": gamma, "0c": gamma, "0C11AB3E": gamma, "df4a5ecc-3": acme, "df4a5ecc-9": beta,
		"once": "aa000002-37f0-5b06-b82f-426350807da2",
		"aa00": "bb000000-37f0-5b06-b82f-426350807da2", // a slug goes before the beginning of an id
	} {
		if got, err := pick(all, name); err != nil || got.ID != want {
			t.Errorf("%q: %s, %v", name, got.ID, err)
		}
	}
	for name, want := range map[string]string{
		"df4a5ecc":    `"df4a5ecc" may mean any of 2; say which by its id:` + "\n  " + beta + "  beta-bakery, REQUESTED, signed up 2026-11-25 11:55:00Z\n  " + acme + "  acme-dental, PROVISIONING",
		"gone":        `"gone" may mean any of 2`,
		"acme-dentel": `there is no instance "acme-dentel": did you mean "acme-dental"?`,
		"gamma":       `did you mean "gamma-garage"?`,
		"zzz":         "\"fleetctl list\" shows what there is",
	} {
		if _, err := pick(all, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	newFakeAPI(t, map[string]answer{"GET /instances": {200, encoded(t, view.Fleet{Instances: all})}})
	fleetctl(t, "show", "gone").want(t, exitFailed, "", "may mean any of 2")
}

// TestWhole: what is not taken back with a word is done to no instance that is guessed from the beginning of an id; the answer tells which
// it would be. In full, in any case, the id is one.
func TestWhole(t *testing.T) {
	for _, line := range []string{"reject 0c11 --reason x -y", "cancel df4a5ecc-3 -y", "suspend df4a5ecc-3 --reason payment -y", "decommission df4a5ecc-3 --reason leaves -y",
		"decommission df4a5ecc-3 --cancel -y", "decommission df4a5ecc-3 --plan", "lift df4a5ecc-3 -y --why settled", "remove-orphan df4a5ecc-3 dns_record old.gimbal.app -y", "approve-termination df4a5ecc-3 -y", "accept-export df4a5ecc-3 --why gone -y",
		"import df4a5ecc-3 --from acme-dental/5 -y"} {
		t.Run(line, func(t *testing.T) {
			api := newFakeAPI(t, whole(t))
			fleetctl(t, strings.Fields(line)...).want(t, exitFailed, "", "name it by its whole slug or id")
			if asked := api.lines(); !slices.Equal(asked, []string{"GET /instances"}) {
				t.Errorf("asked %q", asked)
			}
		})
	}
	api := newFakeAPI(t, whole(t))
	fleetctl(t, "import", acme, "--from", "df4a5ecc-3/5", "-y").want(t, exitFailed, "", "name it by its whole slug or id")
	if asked := api.lines(); !slices.Equal(asked, []string{"GET /instances"}) {
		t.Errorf("asked %q", asked)
	}
	newFakeAPI(t, whole(t))
	fleetctl(t, "lift", strings.ToUpper(acme), "-y", "--why", "settled").want(t, 0, "is under no legal hold", "")
}

func TestChoose(t *testing.T) {
	open := append(sampleIncidents(), fleet.Incident{ID: "message-invitation", InstanceID: acme, Code: fleet.IncidentMessageUnknown})
	for word, want := range map[string]string{"Overdue": "overdue-op-" + acme + "-provision-1", "overdue-op": "overdue-op-" + acme + "-provision-1",
		"message-welcome": "message-welcome", "message-i": "message-invitation"} {
		if got, err := choose(open, acme, "acme", word); err != nil || got.ID != want {
			t.Errorf("%q: %s, %v", word, got.ID, err)
		}
	}
	for word, want := range map[string]string{"": "acme has several such incidents", "messageunknown": "has several such incidents; say which by its id:\n  MessageUnknown  message-welcome\n  MessageUnknown  message-invitation",
		"Rejected": `acme has no open incident "Rejected", but:`} {
		if _, err := choose(open, acme, "acme", word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", word, err, want)
		}
	}
	if _, err := choose(open, beta, "beta", ""); err == nil || !strings.Contains(err.Error(), "beta has no open incident;") {
		t.Error(err)
	}
}

// TestWhatIsAboutAnImport: a retry, and a cancel, say what they do where what ended dirty is an import.
func TestWhatIsAboutAnImport(t *testing.T) {
	answers := whole(t)
	for _, what := range []string{"retry", "cancel"} {
		answers["POST /instances/"+acme+"/"+what] = answer{202, `{"operation":"import-6","execution":"import-6-import-2"}`}
	}
	newFakeAPI(t, answers)
	fleetctl(t, "retry", acme).want(t, exitDone, "is imported into once more", "")
	fleetctl(t, "cancel", acme, "-y").want(t, exitDone, "what is there stays", "")
}
