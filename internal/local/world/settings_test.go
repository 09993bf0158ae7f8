package world_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const sampleHost = "acme-dental.gimbal.app"

// project is the reference of an instance's Supabase project.
func (r *rig) project(id string) string {
	r.t.Helper()
	e, err := r.w.Store.Resource(r.ctx, id, fleet.SupabaseProject, fleet.ResourceName(id))
	if err != nil || e == nil {
		r.t.Fatalf("no project: %v", err)
	}
	return e.ID
}

// TestSettingsOfAnInstance: a provisioning leaves the Auth service, the functions' origin and the rate limit as they have to be.
func TestSettingsOfAnInstance(t *testing.T) {
	t.Parallel()
	underContract(t, nil, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		got := r.w.Vendors.Supabase.AuthConfig(r.project(id))
		for name, want := range map[string]any{
			"site_url": "https://" + sampleHost, "uri_allow_list": "https://" + sampleHost + "/**",
			"disable_signup": true, "external_anonymous_users_enabled": false, "external_phone_enabled": false, "external_email_enabled": true,
			"mailer_autoconfirm": false, "mailer_secure_email_change_enabled": true, "password_min_length": 12.0, "jwt_exp": 3600.0,
			"refresh_token_rotation_enabled": true, "mailer_otp_exp": 86400.0,
			"smtp_host": "smtp.sendgrid.net", "smtp_port": "587", "smtp_user": "apikey",
			"smtp_admin_email": "no-reply@" + sampleHost, "smtp_sender_name": "Acme Dental", "smtp_max_frequency": 60.0,
			"rate_limit_email_sent": 100.0, "rate_limit_otp": 30.0, "rate_limit_verify": 30.0, "rate_limit_token_refresh": 300.0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if secrets := r.w.Vendors.Supabase.EdgeSecrets(r.project(id)); !maps.Equal(secrets, map[string]string{"CORS_ALLOWED_ORIGIN": "https://" + sampleHost}) {
			t.Errorf("the Edge Functions know %v", secrets)
		}
		if hosts := r.w.Vendors.Cloudflare.LimitedHosts(); !slices.Equal(hosts, []string{sampleHost}) {
			t.Errorf("limited hosts: %q", hosts)
		}
		for _, name := range []string{"site", "access", "mail", "limits"} {
			if e, err := r.w.Store.Resource(r.ctx, id, fleet.AuthSettings, name); err != nil || e == nil || e.Status != fleet.Created {
				t.Errorf("auth settings %s: %+v, %v", name, e, err)
			}
		}
		for _, c := range r.calls {
			if c.Vendor == "cloudflare" && c.Method == http.MethodPut {
				t.Errorf("%s replaces what is of others", c.Path)
			}
		}
	})
}

// TestOnlyOwnOriginIsAllowed asks an instance's function as a browser does, for pages of its own origin and of others.
func TestOnlyOwnOriginIsAllowed(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		r.wantActive(r.provision())
		browser := &http.Transport{DialContext: r.w.Vendors.Edge.Dial, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: r.w.Vendors.Edge.Roots(), MinVersion: tls.VersionTLS12}}
		for origin, allowed := range map[string]bool{
			"https://" + sampleHost: true, "": false, "null": false, "http://" + sampleHost: false, "https://other.gimbal.app": false,
			"https://" + sampleHost + ".evil.example": false, "https://gimbal.app": false, "*": false,
		} {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				q, err := http.NewRequestWithContext(r.ctx, method, "https://"+sampleHost+"/api/health", nil)
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("Origin", origin)
				answer := r.asBrowser(browser, q)
				want := ""
				if allowed {
					want = origin
				}
				if got := answer.Header.Get("Access-Control-Allow-Origin"); got != want || answer.Header.Get("Vary") != "Origin" {
					t.Errorf("%s from %q: allowed origin %q, status %d", method, origin, got, answer.StatusCode)
				}
			}
		}
	})
}

func (r *rig) asBrowser(browser http.RoundTripper, q *http.Request) *http.Response {
	r.t.Helper()
	answer, err := browser.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		r.t.Error(err)
	}
	_ = answer.Body.Close() // read to its end
	return answer
}

var mailKeys = regexp.MustCompile(`"api_key" ?: ?"(SG\.[^"]+)"`)

// TestMailKeyGoesToOnePlace: of all vendors only Supabase's Auth settings are told the instance's mail key, as the mail server's
// password.
func TestMailKeyGoesToOnePlace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	keys := map[string]bool{}
	inBubble(t, func(o *world.Options) {
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return transport(func(q *http.Request) (*http.Response, error) {
				var sent []byte
				if q.Body != nil {
					sent, _ = io.ReadAll(q.Body)
					q = q.Clone(q.Context())
					q.Body = io.NopCloser(bytes.NewReader(sent))
				}
				answer, err := next.RoundTrip(q)
				if err != nil {
					return nil, err
				}
				body, _ := io.ReadAll(answer.Body)
				answer.Body = io.NopCloser(bytes.NewReader(body))
				mu.Lock()
				defer mu.Unlock()
				if m := mailKeys.FindSubmatch(body); m != nil {
					keys[string(m[1])] = true
				}
				for key := range keys {
					if strings.Contains(string(sent)+q.URL.String()+fmt.Sprint(q.Header), key) {
						told = append(told, q.Method+" "+q.URL.Host+" "+q.URL.Path[strings.LastIndex(q.URL.Path, "/"):]+fmt.Sprint(strings.Contains(string(sent), `"smtp_pass":"`+key+`"`)))
					}
				}
				return answer, nil
			})
		}
	}, func(r *rig) { r.wantActive(r.provision()) })
	if len(keys) != 1 || !slices.Equal(told, []string{"PATCH api.supabase.test /authtrue"}) {
		t.Errorf("%d keys, told to %q", len(keys), told)
	}
}

// TestFaultsAtEachSetting lets each of the settings' calls go wrong once, in each way.
func TestFaultsAtEachSetting(t *testing.T) {
	t.Parallel()
	for n := 2; n <= 4; n++ { // the first is in TestLostAnswerAtEveryCreate
		for i, kind := range []string{"lost", "500-after", "delayed", "429", "hang"} {
			if !tried(n+i, 2) {
				continue
			}
			t.Run(fmt.Sprintf("%s@%d", kind, n), func(t *testing.T) {
				t.Parallel()
				inBubble(t, faults(t, fmt.Sprintf("supabase.UpdateAuthConfig=%s@%d", kind, n)), func(r *rig) {
					id := r.provision()
					r.wantActive(id)
					if got := r.w.Vendors.Supabase.AuthConfig(r.project(id)); got["rate_limit_otp"] != 30.0 || got["smtp_user"] != "apikey" || got["disable_signup"] != true {
						t.Errorf("settings are missing: %v %v %v", got["rate_limit_otp"], got["smtp_user"], got["disable_signup"])
					}
				})
			})
		}
	}
}

// TestFirstRulesetIsRaced provisions two instances at the same time in a zone that never had a rule, and one after them: each has
// its own rule.
func TestFirstRulesetIsRaced(t *testing.T) {
	t.Parallel()
	underContract(t, func(o *world.Options) {
		exact(o)
		o.Latency.ProjectMin, o.Latency.ProjectMax = 8*time.Second, 8*time.Second
		o.Latency.Deploy.Min, o.Latency.Deploy.Max = 20*time.Second, 20*time.Second
		o.Latency.Certificate.Min, o.Latency.Certificate.Max = 40*time.Second, 40*time.Second
	}, func(r *rig) {
		ids := []string{r.signup("msg_0", "company-0"), r.signup("msg_1", "company-1")}
		for _, id := range ids {
			r.approve(id)
		}
		r.settle()
		if n := r.made("cloudflare.CreateRuleset"); n < 2 {
			t.Errorf("the ruleset was made %d times: nobody was second", n)
		}
		late := r.signup("msg_2", "company-2")
		r.approve(late)
		r.settle()
		r.wantAllActive(append(ids, late))
		if hosts := r.w.Vendors.Cloudflare.LimitedHosts(); !slices.Equal(hosts, []string{"company-0.gimbal.app", "company-1.gimbal.app", "company-2.gimbal.app"}) {
			t.Errorf("limited hosts: %q", hosts)
		}
	})
}

// TestFaultsAtTheSecondRule lets the addition of a rule to a ruleset that is there go wrong, in each way: the instance ends with
// one rule, and the first one's is untouched.
func TestFaultsAtTheSecondRule(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"lost", "500-after", "500-before", "delayed", "429", "429-retry", "hang", "refused", "late"} {
		if !tried(i, 2) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, "cloudflare.CreateRule="+kind), func(r *rig) {
				ids := []string{r.signup("msg_0", "company-0"), r.signup("msg_1", "company-1")}
				for _, id := range ids {
					r.approve(id)
					r.settle()
				}
				r.wantAllActive(ids)
				if n := r.made("cloudflare.CreateRule"); n == 0 {
					t.Error("no rule was added")
				}
			})
		})
	}
}

// made counts the calls of an operation.
func (r *rig) made(call string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(r.calls), func(c sim.Call) bool { return c.Vendor+"."+c.Operation != call }))
}

// TestLateRuleIsRemoved: a rule that lands long after every bound, beside the one made anew, is removed by the recheck.
func TestLateRuleIsRemoved(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "cloudflare.CreateRule=delayed:12m"), func(r *rig) {
		ids := []string{r.signup("msg_0", "company-0"), r.signup("msg_1", "company-1")}
		for _, id := range ids {
			r.approve(id)
			r.settle()
		}
		time.Sleep(13 * time.Minute)
		if hosts := r.w.Vendors.Cloudflare.LimitedHosts(); len(hosts) != 3 {
			t.Fatalf("there is no double: %q", hosts)
		}
		time.Sleep(bounds.RecheckSoon)
		r.invoke("recheck")
		r.wantAllActive(ids)
	})
}

// TestRuleIsTakenDown lets a provisioning fail when all was made, and the removal of its rule go wrong in each way: nothing is
// left, and another instance's rule stays.
func TestRuleIsTakenDown(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"", "500-after", "lost", "500-before", "delayed", "429", "hang", "refused"} {
		if !tried(i, 2) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				if kind != "" {
					faults(t, "cloudflare.DeleteRule="+kind)(o)
				}
				failing := false
				var mu sync.Mutex
				o.Hooks.Dies = func(p world.Point) bool { // from the second one on
					mu.Lock()
					defer mu.Unlock()
					failing = failing || p.Function == "notify-customer"
					return failing && p.Function == "verify-health" && !p.After
				}
			}, func(r *rig) {
				first := r.signup("msg_0", "company-0")
				r.approve(first)
				r.settle()
				second := r.signup("msg_1", "company-1")
				r.approve(second)
				r.settle()
				if o := r.operation(second); o.Outcome != fleet.FailedClean {
					t.Errorf("the second ended as %q", o.Outcome)
				}
				if n := r.made("cloudflare.DeleteRule"); n == 0 {
					t.Error("no rule was removed")
				}
				r.wantLedgerTrue(first)
			})
		})
	}
}

// TestPlanWithoutRules: where the zone's plan allows no more rules, instances go without, and one incident of the whole fleet says
// so; their take-down finds nothing to remove.
func TestPlanWithoutRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ allowed, limited int }{{-1, 0}, {1, 1}} {
		for _, twice := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d allowed, twice %t", c.limited, twice), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(o *world.Options) {
					o.RateLimitRules = c.allowed
					o.Hooks.Twice = func(function string, _ int) bool { return twice && function == "protect-host" }
				}, func(r *rig) {
					ids := r.queue(3)
					r.settle()
					r.wantAllActive(ids)
					absent := 0
					for _, id := range ids {
						if e, err := r.w.Store.Resource(r.ctx, id, fleet.CloudflareRule, fleet.ResourceName(id)); err != nil || e == nil {
							t.Errorf("no entry: %v", err)
						} else if e.Status == fleet.Absent {
							absent++
						}
					}
					if hosts := r.w.Vendors.Cloudflare.LimitedHosts(); len(hosts) != c.limited || absent != len(ids)-c.limited {
						t.Errorf("limited hosts: %q; %d rules are absent", hosts, absent)
					}
					incidents, err := r.w.Store.Incidents(r.ctx, fleet.FleetID)
					if err != nil || len(incidents) != 1 || incidents[0].Code != fleet.IncidentUnprotected || incidents[0].NextAction == "" {
						t.Errorf("incidents: %+v, %v", incidents, err)
					}
				})
			})
		}
	}
}
