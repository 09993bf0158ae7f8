package world_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// everyCheck is what the doctor looks at, in the order of its answer.
var everyCheck = []string{
	"supabase.token", "supabase.organization", "supabase.projects",
	"vercel.token", "vercel.team", "vercel.projects",
	"cloudflare.token", "cloudflare.zone", "cloudflare.dns-records", "cloudflare.rate-limit-rules",
	"twilio.token", "twilio.account", "twilio.subaccounts",
	"sendgrid.key", "sendgrid.scopes", "sendgrid.ips", "sendgrid.subusers",
	"fleet.webhook-secret", "fleet.link-secret", "fleet.schedules", "fleet.dead-letters",
}

// ward is a fleet that the doctor comes to. It is healthy unless its fields are changed.
type ward struct {
	*rig
	credentials map[string]string
	settings    func(*provider.Settings)
	around      around
}

// around are surroundings of which some things are said otherwise than they are.
type around struct {
	step.Surroundings
	stopped string // a schedule
	dead    int
	aged    time.Duration // the credentials
}

func (a around) Schedules(ctx context.Context) ([]string, error) {
	all, err := a.Surroundings.Schedules(ctx)
	return slices.DeleteFunc(all, func(name string) bool { return name == a.stopped }), err
}

func (a around) DeadLetters(ctx context.Context) (int, error) {
	n, err := a.Surroundings.DeadLetters(ctx)
	return n + a.dead, err
}

func (a around) CredentialChanged(ctx context.Context, name string) (time.Time, error) {
	at, err := a.Surroundings.CredentialChanged(ctx, name)
	return at.Add(-a.aged), err
}

// inWard runs a test on a healthy fleet, all of whose quotas are quota.
func inWard(t *testing.T, script string, quota int, test func(w *ward)) {
	t.Helper()
	w := &ward{settings: func(*provider.Settings) {}}
	underContract(t, func(o *world.Options) {
		faults(t, script)(o)
		for i, name := range []string{provider.TwilioToken, provider.VercelToken, provider.CloudflareToken} {
			o.Credentials[name] = strings.Repeat(string(rune('a'+i)), 32) // no name, and no zone's id
		}
		w.credentials, o.CredentialsSince, o.Quotas = o.Credentials, o.Clock.Now(), map[string]int{}
		for _, name := range step.Quotas() {
			o.Quotas[name] = quota
		}
		o.Hooks.Settings = func(s *provider.Settings) { w.settings(s) }
		o.Hooks.Surroundings = func(s step.Surroundings) step.Surroundings {
			changed := w.around
			changed.Surroundings = s
			return changed
		}
	}, func(r *rig) {
		w.rig = r
		ctx, stop := context.WithCancel(r.ctx)
		defer stop()
		r.w.RunSchedules(ctx)
		test(w)
	})
}

// examine asks the doctor, judges what must hold of every answer, and gives the checks by name.
func (w *ward) examine() map[string]view.Check {
	w.t.Helper()
	w.forget()
	begun := time.Now()
	q := httptest.NewRequestWithContext(w.ctx, "GET", "/doctor", nil)
	q.Header = operator
	out := httptest.NewRecorder()
	w.w.Front().ServeHTTP(out, q)
	var d view.Diagnosis
	if err := json.Unmarshal(out.Body.Bytes(), &d); err != nil || out.Code != http.StatusOK {
		w.t.Fatalf("the doctor answered %d: %s", out.Code, out.Body)
	}
	if took := time.Since(begun); took > 27*time.Second {
		w.t.Errorf("the doctor took %v: too near to the 29 s that the function has", took)
	}
	w.wantReadsOnly()
	w.wantNoSecret(out.Body.String())
	checks := map[string]view.Check{}
	var names []string
	for _, c := range d.Checks {
		names, checks[c.Name] = append(names, c.Name), c
		if c.Found == "" || (c.Verdict == view.Fine) != (c.Mend == "") {
			w.t.Errorf("%+v must say what was found, and how to mend it where it isn't fine", c)
		}
	}
	if !slices.Equal(names, everyCheck) {
		w.t.Errorf("the doctor looked at %q, want %q", names, everyCheck)
	}
	return checks
}

func (w *ward) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *ward) wantReadsOnly() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.Method != http.MethodGet {
			w.t.Errorf("the doctor sent %s %s to %s", c.Method, c.Path, c.Vendor)
		}
	}
}

func (w *ward) wantNoSecret(text string) {
	w.t.Helper()
	for name, value := range w.credentials {
		if len(value) > 8 && strings.Contains(text, value) { // shorter ones are no secrets, and words besides
			w.t.Errorf("%s is shown", name)
		}
	}
}

// wantOnly judges that just the given checks are not fine, with what each says. "broken sendgrid.ips: 192.0.2.99" wants the
// verdict, and the words in what was found or how to mend it.
func (w *ward) wantOnly(want ...string) {
	w.t.Helper()
	checks := w.examine()
	named := map[string]bool{}
	for _, text := range want {
		head, words, _ := strings.Cut(text, ": ")
		verdict, name, _ := strings.Cut(head, " ")
		named[name] = true
		c := checks[name]
		if string(c.Verdict) != verdict || !strings.Contains(c.Found+" "+c.Mend, words) {
			w.t.Errorf("want %q, got %+v", text, c)
		}
	}
	for _, name := range everyCheck {
		if c := checks[name]; !named[name] && c.Verdict != view.Fine {
			w.t.Errorf("%+v is not fine", c)
		}
	}
}

func TestDoctorOfAHealthyFleet(t *testing.T) {
	t.Parallel()
	inWard(t, "", 1000, func(w *ward) {
		w.wantOnly()
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.calls) != 13 {
			w.t.Errorf("%d calls, want one for each of the 13 questions", len(w.calls))
		}
	})
	inWard(t, "", 0, func(w *ward) {
		w.wantOnly("unchecked supabase.projects: how many are allowed is not known", `unchecked vercel.projects: "vercel-projects" under quotas`,
			"unchecked cloudflare.dns-records: 0 DNS records",
			"unchecked cloudflare.rate-limit-rules: 0 rate-limiting rules", "unchecked twilio.subaccounts: 0 Twilio", "unchecked sendgrid.subusers: 0 SendGrid")
	})
}

// TestDoctorNamesWhatIsWrong breaks one thing at a time.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	unasked := func(names ...string) (all []string) {
		for _, name := range names {
			all = append(all, "unchecked "+name+": not looked at")
		}
		return all
	}
	revoked := func(name string) func(*ward) { return func(w *ward) { w.credentials[name] = "revoked" } }
	settings := func(change func(*provider.Settings)) func(*ward) { return func(w *ward) { w.settings = change } }
	for what, c := range map[string]struct {
		happens func(*ward)
		want    []string
	}{
		"a Supabase token is revoked": {revoked(provider.SupabaseToken),
			append(unasked("supabase.organization", "supabase.projects"), "broken supabase.token: dashboard/account/tokens")},
		"a Vercel token is revoked":       {revoked(provider.VercelToken), append(unasked("vercel.team", "vercel.projects"), "broken vercel.token: vercel-token")},
		"a Cloudflare token is revoked":   {revoked(provider.CloudflareToken), append(unasked("cloudflare.zone", "cloudflare.dns-records", "cloudflare.rate-limit-rules"), "broken cloudflare.token: api-tokens")},
		"a Twilio token is revoked":       {revoked(provider.TwilioToken), append(unasked("twilio.account", "twilio.subaccounts"), "broken twilio.token: console.twilio.com")},
		"a SendGrid key is revoked":       {revoked(provider.SendGridKey), append(unasked("sendgrid.scopes", "sendgrid.ips", "sendgrid.subusers"), "broken sendgrid.key: API Keys")},
		"a credential is gone":            {func(w *ward) { delete(w.credentials, provider.SupabaseToken) }, append(unasked("supabase.organization", "supabase.projects"), "broken supabase.token: create the secret")},
		"a credential is empty":           {func(w *ward) { w.credentials[provider.VercelToken] = "" }, append(unasked("vercel.team", "vercel.projects"), "broken vercel.token: is empty")},
		"the organisation is another":     {settings(func(s *provider.Settings) { s.SupabaseOrganization = "other" }), append(unasked("supabase.projects"), `broken supabase.organization: no organisation "other"`)},
		"the team is another":             {settings(func(s *provider.Settings) { s.VercelTeam = "team_other" }), append(unasked("vercel.projects"), "broken vercel.team: FLEET_VERCEL_TEAM")},
		"the zone is another":             {settings(func(s *provider.Settings) { s.CloudflareZone = strings.Repeat("f", 32) }), []string{"broken cloudflare.zone: FLEET_CLOUDFLARE_ZONE", "unchecked cloudflare.dns-records: can't be counted", "unchecked cloudflare.rate-limit-rules: can't be counted"}},
		"the zone is of another domain":   {settings(func(s *provider.Settings) { s.Domain = "gimbal.example" }), []string{"broken cloudflare.zone: another domain than gimbal.example"}},
		"the Twilio account is another":   {settings(func(s *provider.Settings) { s.TwilioAccount = "AC" + strings.Repeat("7", 32) }), append(unasked("twilio.account", "twilio.subaccounts"), "broken twilio.token: FLEET_TWILIO_ACCOUNT")},
		"the Twilio account is malformed": {settings(func(s *provider.Settings) { s.TwilioAccount = "gimbal" }), append(unasked("twilio.account", "twilio.subaccounts"), "broken twilio.token: malformed SID")},
		"an address is missing":           {settings(func(s *provider.Settings) { s.SendGridIPs = append(s.SendGridIPs, "192.0.2.99") }), []string{"broken sendgrid.ips: 1 of 2 configured addresses are not on the account: 192.0.2.99"}},
		"a schedule is stopped":           {func(w *ward) { w.around.stopped = "reconcile" }, []string{"broken fleet.schedules: reconcile (every 15 min)"}},
		"an invocation was given up":      {func(w *ward) { w.around.dead = 1 }, []string{"broken fleet.dead-letters: 1 asynchronous"}},
		"the webhook secret is old":       {func(w *ward) { w.around.aged = 100 * 24 * time.Hour }, []string{"warning fleet.webhook-secret: 100 days old"}},
		"the webhook secret is too old":   {func(w *ward) { w.around.aged = 400 * 24 * time.Hour }, []string{"broken fleet.webhook-secret: 400 days old"}},
	} {
		t.Run(what, func(t *testing.T) {
			inWard(t, "", 1000, func(w *ward) {
				c.happens(w)
				w.wantOnly(c.want...)
			})
		})
	}
}

// TestDoctorCountsWhatIsUsed: one live instance uses up quotas of one.
func TestDoctorCountsWhatIsUsed(t *testing.T) {
	t.Parallel()
	quota := map[string]int{}
	inBubble(t, func(o *world.Options) { o.Quotas = quota }, func(r *rig) {
		r.provision()
		for _, c := range []struct {
			allowed int
			want    view.Verdict
		}{{0, view.Unchecked}, {1, view.Broken}, {1000, view.Fine}} {
			for _, name := range step.Quotas() {
				quota[name] = c.allowed
			}
			checks := (&ward{rig: r}).examine()
			for _, name := range []string{"supabase.projects", "vercel.projects", "cloudflare.dns-records", "cloudflare.rate-limit-rules", "twilio.subaccounts", "sendgrid.subusers"} {
				if checks[name].Verdict != c.want || strings.HasPrefix(checks[name].Found, "0 ") {
					t.Errorf("with %d allowed: %+v, want %s", c.allowed, checks[name], c.want)
				}
			}
		}
	})
}

// TestDoctorUnderFaults lets each question go wrong in each way, for good: the doctor answers in time, says so of the checks that
// the question is for, and of no other vendor's.
func TestDoctorUnderFaults(t *testing.T) {
	t.Parallel()
	doors := map[string]string{"supabase.GetOrganization": "supabase.token", "vercel.GetTeam": "vercel.token",
		"cloudflare.VerifyToken": "cloudflare.token", "twilio.FetchAccount": "twilio.token", "sendgrid.ListScopes": "sendgrid.key"}
	inner := map[string]string{"supabase.ListProjects": "supabase.projects", "vercel.GetProjects": "vercel.projects",
		"cloudflare.GetZone": "cloudflare.zone", "cloudflare.ListRecords": "cloudflare.dns-records", "cloudflare.GetEntryPoint": "cloudflare.rate-limit-rules", "twilio.ListAccounts": "twilio.subaccounts",
		"sendgrid.ListIPs": "sendgrid.ips", "sendgrid.ListSubusers": "sendgrid.subusers"}
	for _, kind := range []string{"refused", "429", "403", "500-before", "lost", "hang"} {
		for call, check := range doors {
			t.Run(call+"="+kind, func(t *testing.T) {
				verdict := map[string]string{"429": "unchecked"}[kind]
				if verdict == "" {
					verdict = "broken"
				}
				inWard(t, call+"="+kind+"@1+", 1000, func(w *ward) {
					if call == "cloudflare.VerifyToken" && kind == "403" { // as for an account's token, which the zone takes
						w.wantOnly()
						return
					}
					want := []string{verdict + " " + check}
					vendor, _, _ := strings.Cut(check, ".")
					for _, name := range everyCheck {
						if strings.HasPrefix(name, vendor+".") && name != check {
							want = append(want, "unchecked "+name+": not looked at")
						}
					}
					w.wantOnly(want...)
				})
			})
		}
		for call, check := range inner {
			t.Run(call+"="+kind, func(t *testing.T) {
				inWard(t, call+"="+kind+"@1+", 1000, func(w *ward) {
					want := []string{"unchecked " + check + ": look again"}
					if kind == "403" {
						want = []string{"unchecked " + check}
					}
					if call == "cloudflare.GetZone" && kind == "403" {
						want[0] += ": Zone:Read"
					}
					if kind == "403" && (call == "supabase.ListProjects" || call == "vercel.GetProjects") {
						vendor, _, _ := strings.Cut(call, ".")
						want = append(want, "broken "+vendor+".token: not its projects")
					}
					w.wantOnly(want...)
				})
			})
		}
	}
}

// TestDoctorAsksTwice: one lost answer is no finding.
func TestDoctorAsksTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"refused", "500-before", "lost", "hang"} {
		var script []string
		for _, call := range []string{"supabase.GetOrganization", "vercel.GetTeam", "cloudflare.VerifyToken", "twilio.FetchAccount", "sendgrid.ListScopes"} {
			script = append(script, call+"="+kind)
		}
		inWard(t, strings.Join(script, ","), 1000, func(w *ward) { w.wantOnly() })
	}
}

// TestDoctorAnswersInTime: a vendor that answers late and then not at all is given up while there is time to say so.
func TestDoctorAnswersInTime(t *testing.T) {
	t.Parallel()
	inWard(t, "supabase.GetOrganization=hang,supabase.ListProjects=hang@1+", 1000, func(w *ward) {
		w.wantOnly("unchecked supabase.projects: longer than there was time")
	})
}

// TestDoctorIsForOperators: nobody else learns anything, and no vendor is asked.
func TestDoctorIsForOperators(t *testing.T) {
	t.Parallel()
	inWard(t, "", 1000, func(w *ward) {
		status, _ := w.do("GET", "/doctor", "", nil)
		w.mu.Lock()
		calls := len(w.calls)
		w.mu.Unlock()
		if status != http.StatusUnauthorized || calls != 0 {
			w.t.Errorf("%d, %d calls", status, calls)
		}
		w.examine() // which sees to the calls of the contract
	})
}
