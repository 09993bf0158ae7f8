package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// quiet is an instance of which nothing runs.
const quiet = "0c11ab3e-27f0-5b06-b82f-426350807da2"

// standing is an instance in a state, with what a test changes of it.
func standing(state fleet.State, change func(*view.Instance)) view.Instance {
	i := view.Instance{Row: view.Row{ID: acme, Slug: "acme", Signup: fleet.Completed, State: state}}
	if change != nil {
		change(&i)
	}
	return i
}

// running makes an operation of an instance run, in its first phase.
func running(kind fleet.OperationKind) func(*view.Instance) {
	return func(i *view.Instance) {
		i.Operations = append(i.Operations, fleet.Operation{Kind: kind, Phase: kind.Course().First})
	}
}

// ending gives an instance a decommission.
func ending(stage fleet.Stage, by string) func(*view.Instance) {
	return func(i *view.Instance) {
		i.Decommission = &fleet.Decommission{N: 1, Stage: stage, Reason: "leaves", By: by, Before: fleet.Active, FirstExport: &fleet.VerifiedExport{ID: "export-1", Manifest: "ab12", VerifiedAt: now}, NoticeAt: now, NoticeEnds: now.Add(720 * time.Hour), GraceEnds: now.Add(1440 * time.Hour)}
	}
}

// lacking has a final export without something.
func lacking(i *view.Instance) {
	i.Decommission.FinalExport = &fleet.VerifiedExport{ID: "export-2", Lost: []string{"media of bucket reports"}}
}

func both(changes ...func(*view.Instance)) func(*view.Instance) {
	return func(i *view.Instance) {
		for _, change := range changes {
			change(i)
		}
	}
}

// TestButtons: only what the API takes in that state is offered.
func TestButtons(t *testing.T) {
	dirty := func(kind fleet.OperationKind) func(*view.Instance) {
		return func(i *view.Instance) { i.Operations = []fleet.Operation{{Kind: kind, Outcome: fleet.FailedDirty}} }
	}
	sent := func(i *view.Instance) {
		i.Messages = []fleet.Message{{ID: "welcome", Status: fleet.MessageSent}, {ID: "invitation", Status: fleet.MessageSending}}
	}
	held := func(i *view.Instance) { i.Hold = &fleet.Hold{By: "operator:ada", Why: "a case"} }
	frozen := func(i *view.Instance) { i.Frozen = []fleet.Freeze{{Scope: "twilio", Reason: "outage"}} }
	undoing := func(i *view.Instance) { i.Operations = []fleet.Operation{{Kind: fleet.Suspend, Phase: fleet.Undoing}} }
	takenDown := func(i *view.Instance) {
		i.Operations = []fleet.Operation{{Kind: fleet.Provision, Phase: fleet.TakingDown}}
	}
	r := newRig(t)
	in := r.signedIn()
	for name, test := range map[string]struct {
		instance  view.Instance
		obstacles []string
		buttons   string
	}{
		"requested":          {instance: view.Instance{Row: view.Row{Signup: fleet.Requested}}, buttons: "approve reject"},
		"approved":           {instance: view.Instance{Row: view.Row{Signup: fleet.Approved}}, buttons: "cancel"},
		"rejected":           {instance: view.Instance{Row: view.Row{Signup: fleet.Rejected}}},
		"provisioning":       {instance: standing(fleet.Provisioning, both(sent, running(fleet.Provision))), buttons: "cancel hold"},
		"being taken down":   {instance: standing(fleet.Provisioning, takenDown), buttons: "hold"},
		"dirty":              {instance: standing(fleet.Provisioning, dirty(fleet.Provision)), buttons: "retry hold"},
		"active":             {instance: standing(fleet.Active, sent), buttons: "resend suspend hold exports decommission"},
		"with an obstacle":   {instance: standing(fleet.Active, nil), obstacles: []string{"its bills are unpaid"}, buttons: "suspend hold exports"},
		"frozen":             {instance: standing(fleet.Active, frozen), obstacles: []string{"twilio is frozen"}, buttons: "hold"},
		"on hold":            {instance: standing(fleet.Active, held), obstacles: []string{"a legal hold stands"}, buttons: "suspend lift exports"},
		"being suspended":    {instance: standing(fleet.Active, running(fleet.Suspend)), buttons: "cancel hold"},
		"suspended, telling": {instance: standing(fleet.Suspended, running(fleet.Suspend)), buttons: "hold"},
		"being undone":       {instance: standing(fleet.Active, undoing), buttons: "hold"},
		"suspended": {instance: standing(fleet.Suspended, func(i *view.Instance) {
			i.Messages = []fleet.Message{{ID: "suspended-payment-2", Status: fleet.MessageSent}}
		}), buttons: "resend resume hold exports decommission"},
		"half switched":        {instance: standing(fleet.Active, dirty(fleet.Suspend)), obstacles: []string{"ended dirty"}, buttons: "retry suspend hold"},
		"being exported":       {instance: standing(fleet.Active, running(fleet.MakeExport)), buttons: "hold"},
		"in notice":            {instance: standing(fleet.Active, ending(fleet.InNotice, fleet.TokenOperator)), buttons: "suspend hold exports decommission/cancel"},
		"being given notice":   {instance: standing(fleet.Active, both(ending(fleet.InNotice, fleet.TokenOperator), running(fleet.GiveNotice))), buttons: "hold decommission/cancel"},
		"being closed":         {instance: standing(fleet.Active, both(ending(fleet.InClosing, fleet.TokenOperator), running(fleet.Close))), buttons: "hold decommission/cancel"},
		"suspended in notice":  {instance: standing(fleet.Suspended, ending(fleet.InNotice, fleet.TokenOperator)), buttons: "resume hold exports decommission/cancel"},
		"exported in grace":    {instance: standing(fleet.Suspended, both(ending(fleet.InGrace, fleet.TokenOperator), running(fleet.MakeExport))), buttons: "hold"},
		"in grace":             {instance: standing(fleet.Suspended, ending(fleet.InGrace, fleet.TokenOperator)), buttons: "hold exports decommission/cancel"},
		"its export lacks":     {instance: standing(fleet.Suspended, both(ending(fleet.InGrace, fleet.TokenOperator), lacking)), buttons: "hold exports decommission/cancel decommission/accept-export"},
		"in another's grace":   {instance: standing(fleet.Suspended, both(ending(fleet.InGrace, "operator:ada"), held)), buttons: "lift exports decommission/cancel decommission/approve"},
		"being terminated":     {instance: standing(fleet.Suspended, both(ending(fleet.Terminating, fleet.TokenOperator), running(fleet.Terminate))), buttons: "hold decommission/cancel"},
		"its resources go":     {instance: standing(fleet.Terminated, both(ending(fleet.Terminating, "operator:ada"), running(fleet.Terminate)))},
		"its end is dirty":     {instance: standing(fleet.Terminated, both(ending(fleet.Terminating, "operator:ada"), dirty(fleet.Terminate))), buttons: "retry"},
		"ended":                {instance: standing(fleet.Terminated, ending(fleet.Ended, "operator:ada"))},
		"withdrawn":            {instance: standing(fleet.Active, ending(fleet.Withdrawn, "operator:ada")), buttons: "suspend hold exports decommission"},
		"exported, and resent": {instance: standing(fleet.Active, running(fleet.Resend)), buttons: "hold"},
	} {
		test.instance.ID, test.instance.Slug = acme, "acme"
		plan := fleet.Plan{Obstacles: test.obstacles}
		if slices.ContainsFunc(test.instance.Operations, fleet.Operation.Running) {
			plan.Obstacles = append(plan.Obstacles, "operation runs")
		}
		if test.instance.Decommission.Open() {
			plan.Stage = test.instance.Decommission.Stage
		}
		r.set("GET /instances/"+acme, 200, test.instance)
		r.set("GET /instances/"+acme+"/decommission", 200, plan)
		r.set("GET /instances/"+acme+"/exports", 200, view.Exports{})
		p := r.do("GET", "/console/instances/"+acme, nil, in)
		offered := strings.Fields(test.buttons)
		for _, button := range []string{"approve", "reject", "cancel", "retry", "resend", "suspend", "resume", "hold", "lift", "exports", "decommission", "decommission/cancel", "decommission/approve", "decommission/accept-export"} {
			want, place := 0, acme+"/"+button+`"`
			if slices.Contains(offered, button) {
				want = 1
			}
			if got := strings.Count(p.text, place); got != want {
				t.Errorf("%s: %d times %s", name, got, button)
			}
		}
	}
}

// TestConfirmation: what can't be taken back is sent only with the instance's short name typed; what was typed besides is kept.
func TestConfirmation(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	at := "/console/instances/" + acme
	for path, test := range map[string]struct {
		instance view.Instance
		final    bool
	}{
		"/decommission":               {standing(fleet.Active, nil), true},
		"/decommission/approve":       {standing(fleet.Suspended, ending(fleet.InGrace, "operator:ada")), true},
		"/decommission/accept-export": {standing(fleet.Suspended, both(ending(fleet.InGrace, "operator:ada"), lacking)), true},
		"/decommission/cancel":        {standing(fleet.Suspended, ending(fleet.InGrace, "operator:ada")), false},
		"/lift":                       {standing(fleet.Suspended, ending(fleet.InGrace, "operator:ada")), true},
		"/cancel":                     {standing(fleet.Provisioning, nil), true},
		"/hold":                       {standing(fleet.Active, nil), false},
		"/suspend":                    {standing(fleet.Active, nil), false},
	} {
		r.set("GET /instances/"+acme, 200, test.instance)
		r.set("GET /instances/"+acme+"/decommission", 200, fleet.Plan{})
		r.set("POST /instances/"+acme+path, 202, map[string]any{})
		for typed, right := range map[string]bool{"": false, "acm": false, "ACME": false, "acme": true} {
			before := len(r.posts())
			r.do("POST", at+path, url.Values{"sure": {typed}, "reason": {"kept, as " + typed}, "back": {at}}, in)
			shown := r.do("GET", at, nil, in)
			sent := len(r.posts()) - before
			if (sent == 1) != (right || !test.final) || sent == 0 && !strings.Contains(shown.text, "Not done: this can&#39;t be taken back; type acme to confirm it.") {
				t.Errorf("%s with %q: %d sent: %s", path, typed, sent, shown.text)
			}
			if path == "/decommission" && !right && !strings.Contains(shown.text, `value="kept, as `+typed+`"`) {
				t.Errorf("the reason is lost: %s", shown.text)
			}
		}
	}
	r.set("GET /instances/"+acme, 200, standing(fleet.Active, func(i *view.Instance) { i.Hold = &fleet.Hold{} }))
	before := len(r.posts())
	r.do("POST", at+"/lift", url.Values{"back": {at}}, in)
	if len(r.posts()) != before+1 {
		t.Error("the hold of an instance that isn't decommissioned wants a confirmation")
	}
}

// TestEnding: what the page says of an end, of what is in its way, and of the proof.
func TestEnding(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	show := func(i view.Instance, plan fleet.Plan) string {
		i.ID = quiet
		r.set("GET /instances/"+quiet, 200, i)
		r.set("GET /instances/"+quiet+"/decommission", 200, plan)
		r.set("GET /instances/"+quiet+"/exports", 200, view.Exports{})
		return r.do("GET", "/console/instances/"+quiet, nil, in).text
	}
	grace := standing(fleet.Suspended, ending(fleet.InGrace, "operator:ada"))
	plan := fleet.Plan{Stage: fleet.InGrace, Steps: []fleet.PlannedStep{{At: now.Add(48 * time.Hour), What: "it is terminated", Final: true}},
		Resources: []fleet.PlannedRemoval{{Kind: fleet.SupabaseProject, ID: "ref", Vendor: "supabase", Final: true}, {Kind: fleet.DatabaseSchema, Name: "schema", With: fleet.SupabaseProject}},
		Kept:      []fleet.Retained{{What: "backups", Until: now.Add(90 * 24 * time.Hour)}}, Obstacles: []string{"a legal hold stands"}}
	ended := standing(fleet.Terminated, ending(fleet.Ended, "operator:ada"))
	ended.Decommission.Certificate = &fleet.Certificate{SHA256: "c0ffee", At: now}
	running(fleet.Terminate)(&ended)
	ended.Operations[0].Outcome = fleet.Succeeded
	begun := standing(fleet.Active, ending(fleet.InNotice, "operator:ada"))
	begun.Decommission.FirstExport = nil
	for name, test := range map[string]struct {
		page         string
		has, without []string
	}{
		"in grace": {show(grace, plan), []string{"operator:ada"[9:] + ": leaves", "all that it has is deleted</strong> <time", "in 60 days", "does not go on to what can't be undone", "<li>a legal hold stands</li>",
			"goes with its supabase project", "supabase project<div class=\"faint\">ref</div>", "can't be undone</span>", "in 90 days", "by no second operator", `data-refresh="5000"`}, []string{"Certificate", "it were decided"}},
		"begun": {show(begun, fleet.Plan{Stage: fleet.InNotice}), []string{"once the first export is verified"}, []string{"Notice ends", "Notice given", "who was told"}},
		"live": {show(standing(fleet.Active, nil), fleet.Plan{Obstacles: []string{"its bills are unpaid"}}), []string{"It can't be decommissioned now", "its bills are unpaid", "if it were decided now", "None was made yet"},
			[]string{"<dt>Stage</dt>", "data-refresh"}},
		"ended":     {show(ended, fleet.Plan{}), []string{"/console/instances/" + quiet + "/certificate.html", "/certificate.json", "c0ffee"}, []string{"Show the plan", "data-refresh", "second operator", "None was made yet"}},
		"withdrawn": {show(standing(fleet.Active, ending(fleet.Withdrawn, "operator:ada")), fleet.Plan{}), []string{"it was cancelled", "Decommission …"}, []string{"Notice ends", "second operator"}},
	} {
		for _, words := range test.has {
			if !strings.Contains(strings.ReplaceAll(test.page, "&#39;", "'"), words) {
				t.Errorf("%s: no %q in %s", name, words, test.page)
			}
		}
		for _, words := range test.without {
			if strings.Contains(test.page, words) {
				t.Errorf("%s: %q in %s", name, words, test.page)
			}
		}
	}
}

// TestExports: each with its size, its manifest and its times; one that is being made with its execution.
func TestExports(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	r.set("GET /instances/"+acme, 200, standing(fleet.Active, nil))
	r.set("GET /instances/"+acme+"/decommission", 200, fleet.Plan{})
	r.set("GET /instances/"+acme+"/exports", 200, view.Exports{Exports: []fleet.Export{
		{ID: "op-1", Purpose: fleet.OnRequest, Status: fleet.ExportMaking, Progress: &fleet.ExportProgress{Step: "media", Files: 3, Bytes: 31_000}, BegunAt: now.Add(-time.Minute)},
		{ID: "export-1", Purpose: fleet.WithNotice, Status: fleet.ExportVerified, Files: 9, Bytes: 1_234_567, Rows: 4711, Manifest: "c0ffee", LeftOut: 2, BegunAt: now.Add(-time.Hour), VerifiedAt: now.Add(-time.Hour), ExpiresAt: now.Add(720 * time.Hour)},
		{ID: "export-0", Purpose: fleet.Final, Status: fleet.ExportFailed, Failure: "the schema changes"},
	}})
	p := r.do("GET", "/console/instances/"+acme, nil, in).text
	for _, words := range []string{"on request", "making", "writing the media, 3 files and 31 kB so far", "with the notice", "1.2 MB", "4711", "<code>c0ffee</code>", "2 left out", "2026-11-25 11:00:00Z", "2026-12-25 12:00:00Z", "final", "the schema changes"} {
		if !strings.Contains(p, words) {
			t.Errorf("no %q in %s", words, p)
		}
	}
}

// TestCertificate: it is shown as it is, and can do nothing; its JSON is for keeping. Where there is none the API's word is shown.
func TestCertificate(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	at := "/console/instances/" + acme + "/certificate."
	if p := r.do("GET", at+"html", nil, in); p.status != http.StatusNotFound || !strings.Contains(p.text, "there is no GET") {
		t.Errorf("%d %s", p.status, p.text)
	}
	r.set("GET /instances/"+acme+"/certificate", 200, view.Certificate{JSON: "{\n}\n", Page: "<html><style>p{}</style>" + nasty, SHA256: "c0ffee"})
	p := r.do("GET", at+"html", nil, in)
	if policy := p.header.Get("Content-Security-Policy"); p.text != "<html><style>p{}</style>"+nasty || !strings.HasSuffix(policy, "; sandbox") || !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "script") {
		t.Errorf("%v %s", p.header, p.text)
	}
	if p := r.do("GET", at+"json", nil, in); p.text != "{\n}\n" || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") || p.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %s", p.header, p.text)
	}
	if p := r.do("GET", at+"html", nil, nil); p.where() != "/console/sign-in" {
		t.Errorf("%d %s", p.status, p.text)
	}
}
