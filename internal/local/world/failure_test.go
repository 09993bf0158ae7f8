package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// TestEveryStepMayFailForGood lets each step of the provisioning fail permanently, by a vendor's refusal where it calls one.
// Each run must end clean, with nothing left at any vendor, the reason on the signup and the slug free again.
func TestEveryStepMayFailForGood(t *testing.T) {
	t.Parallel()
	for state, script := range map[string]string{
		"CreateProject":      "supabase.CreateProject=403@1+",
		"AwaitProject":       "supabase.GetProject=403@1+",
		"CreateFrontend":     "vercel.AddProjectDomain=403@1+",
		"ConfigureDNS":       "cloudflare.CreateRecord=403@1+",
		"CreateSMSAccount":   "twilio.CreateKey=403@1+",
		"CreateEmailAccount": "sendgrid.AuthenticateDomain=403@1+",
		"PublishMailDNS":     "cloudflare.CreateRecord=403@3+",
		"AwaitMailDomain":    "sendgrid.ValidateDomain=403@1+",
		"ConfigureInstance":  "supabase.UpdateAuthConfig=403@1+",
		"CreateAdmin":        "supabase.CreateUser=403@1+",
		"DeployFrontend":     "vercel.CreateDeployment=403@1+",
		"AwaitFrontend":      "vercel.GetDeployment=403@1+",
		"ProxyDNS":           "cloudflare.UpdateRecord=403@1+",
		"ProtectHost":        "cloudflare.CreateRuleset=403@1+",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			underContract(t, faults(t, script), func(r *rig) {
				id := r.provision()
				r.wantClean(id)
				r.wantMails(0)
				path := strings.Join(r.path("provision", "op-"+id+"-provision-1"), " ")
				if !strings.Contains(path, state) || !strings.HasSuffix(path, "BeginTeardown TeardownBegun TakenDown") {
					t.Errorf("path: %s", path)
				}
				down := strings.Join(r.path("teardown", "op-"+id+"-teardown-1"), " ")
				if !strings.HasPrefix(down, "IsItsEnd RemoveResources ") || !strings.HasSuffix(down, "EndOperation Ended FailedClean") {
					t.Errorf("path: %s", down)
				}
				r.leaveQuarantine(id)
				r.signup("msg_2", "acme-dental") // the slug is free again
			})
		})
	}
}

// TestTransientForGood lets a vendor's call fail transiently until the operation's deadline: it ends clean, as overdue, and
// no execution runs past its deadline by more than one invocation.
func TestTransientForGood(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"supabase.GetProject=500-before@1+", "supabase.CreateProject=500-before@1+", "vercel.CreateProject=hang@1+",
		"cloudflare.CreateRecord=429@1+", "twilio.CreateAccount=refused@1+", "sendgrid.CreateKey=lost@1+", "vercel.CreateDeployment=hang@1+", "vercel.GetDeployment=hang@1+", "sendgrid.ValidateDomain=500-after@1+"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, script), func(r *rig) {
				id := r.provision()
				r.wantClean(id)
				if o := r.operation(id); o.Failure != "Overdue" {
					t.Errorf("failure: %q", o.Failure)
				}
				x, err := r.w.Executions.DescribeExecution(r.w.Executions.ExecutionARN("provision", "op-"+id+"-provision-1"))
				if took := x.Stopped.Sub(x.Started); err != nil || took > bounds.Provision+2*bounds.Lambda+bounds.Margin {
					t.Errorf("it took %s, %v", took, err)
				}
			})
		})
	}
}

// TestHangingLooks lets a vendor's look-ups hang for minutes, while things are made and while they are taken down: no invocation
// is killed over it, so the operation's deadline decides and no counter of tries.
func TestHangingLooks(t *testing.T) {
	t.Parallel()
	for call, looks := range map[string]int{"cloudflare.ListRecords": 4, "vercel.GetProjectDomain": 1, "supabase.ListProjects": 1, "twilio.ListAccounts": 1, "sendgrid.ListSubusers": 1} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, call+"=hang@1-12"), func(r *rig) {
				r.wantActive(r.provision())
			})
			duringTeardown := fmt.Sprintf("supabase.UpdateAuthConfig=403,%s=hang@%d-%d", call, looks+1, looks+30)
			inBubble(t, faults(t, duringTeardown), func(r *rig) {
				id := r.provision()
				r.wantClean(id)
				for _, x := range r.w.Executions.ListExecutions() {
					visits, err := r.w.Executions.Visits(x.ARN)
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range visits {
						if slices.Contains(v.Errors, "Sandbox.Timedout") {
							t.Errorf("an invocation of %s was killed", v.State)
						}
					}
				}
			})
		})
	}
}

// TestEveryStepMayDieForGood lets every invocation of one function die at its first commit, after it: what no vendor causes.
func TestEveryStepMayDieForGood(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"reserve-instance", "create-project", "await-project", "migrate-database", "create-frontend", "configure-dns",
		"create-sms-account", "create-email-account", "publish-mail-dns", "await-mail-domain", "configure-instance", "create-admin",
		"deploy-frontend", "await-frontend", "await-certificate", "proxy-dns", "protect-host", "verify-health", "activate-instance"} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				o.Hooks.Dies = func(p world.Point) bool { return p.Function == function && !p.After }
			}, func(r *rig) {
				id := r.provision()
				r.wantClean(id)
				if o := r.operation(id); o.Failure != "Runtime.ExitError" {
					t.Errorf("failure: %q", o.Failure)
				}
			})
		})
	}
}

// TestLostAnswerAtEveryCreate loses the answer of each creating call once: the run must adopt or replace what was made.
func TestLostAnswerAtEveryCreate(t *testing.T) {
	t.Parallel()
	for i, call := range []string{"supabase.CreateProject", "supabase.CreateUser", "vercel.CreateProject", "vercel.AddProjectDomain",
		"vercel.CreateDeployment", "cloudflare.CreateRecord", "twilio.CreateAccount", "twilio.CreateKey", "sendgrid.CreateSubuser",
		"sendgrid.CreateKey", "sendgrid.AuthenticateDomain", "vercel.CreateProjectEnv", "vercel.UploadFile", "supabase.UpdateAuthConfig", "cloudflare.UpdateRecord",
		"supabase.CreateSecrets", "cloudflare.CreateRuleset", "twilio.CreateService",
		"sendgrid.CreateWebhook", "sendgrid.SignWebhook"} {
		for j, kind := range []string{"lost", "500-after", "delayed", "hang", "refused", "429", "429-retry", "500-before"} {
			if kind != "lost" && !tried(i+j, 6) {
				continue
			}
			t.Run(call+"="+kind, func(t *testing.T) {
				t.Parallel()
				run := inBubble
				if kind == "lost" {
					run = underContract
				}
				run(t, faults(t, call+"="+kind), func(r *rig) {
					id := r.provision()
					r.wantActive(id)
					r.wantMails(3)
				})
			})
		}
	}
}

// TestTwoAttemptsAtOnce makes every invocation of every step twice at the same time.
func TestTwoAttemptsAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Twice = func(string, int) bool { return true }
	}, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		r.wantMails(3)
		entries, _, err := r.w.Store.Audit(r.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		ledger, err := r.w.Store.Resources(r.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if created := count(entries, "resource.created"); created != len(ledger) {
			t.Errorf("%d creations were audited for %d entries", created, len(ledger))
		}
	})
}

func count(entries []fleet.AuditEntry, action string) int {
	n := 0
	for _, e := range entries {
		if e.Action == action {
			n++
		}
	}
	return n
}

// TestRetryAfterIsHonoured has a vendor ask to be left alone for 20 s: it is, although the state machine would retry sooner.
func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "twilio.CreateAccount=429-retry:20s"), func(r *rig) {
		r.wantActive(r.provision())
		var refused time.Time
		for _, c := range r.calls {
			if c.Vendor != "twilio" {
				continue
			}
			if since := c.Start.Sub(refused); !refused.IsZero() && since < 20*time.Second {
				t.Fatalf("%s was called %s after the 429", c.Operation, since)
			}
			if refused = (time.Time{}); c.Status == 429 {
				refused = c.End
			}
		}
	})
}
