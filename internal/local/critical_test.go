package main

import (
	"testing"
	"time"
)

func call(name string, from, to float64) callReport {
	return callReport{Call: name, Start: at(from), End: at(to), Status: 200}
}

func TestCriticalPath(t *testing.T) {
	calls := map[string][]callReport{
		"CreateProject": {call("supabase.ListProjects", 0, 1), call("supabase.CreateProject", 1, 2)},
		// Three rounds of looking: the last one counts, a second for each of its two calls.
		"AwaitProject":   {call("supabase.GetProject", 5, 6), call("supabase.GetProject", 9, 10), call("supabase.GetProject", 60, 61), call("supabase.GetHealth", 61, 62)},
		"ConfigureDNS":   {call("cloudflare.CreateRecord", 2, 3)},
		"DeployFrontend": {call("vercel.UploadFile", 70, 72), call("vercel.UploadFile", 71, 73), call("vercel.CreateDeployment", 73, 74)},
		"AwaitFrontend":  {call("vercel.GetDeployment", 120, 121)},
		"ProxyDNS":       {call("cloudflare.UpdateRecord", 122, 124)},
		"NotifyCustomer": {call("sendgrid.SendMail", 130, 190)},
	}
	lost := call("supabase.CreateProject", 0.5, 20)
	lost.Status = 0
	calls["CreateProject"] = append(calls["CreateProject"], lost)
	works := func(project, deployment, certificate time.Duration) []slowWork {
		return []slowWork{{"CreateProject", "AwaitProject", project * time.Second}, {"DeployFrontend", "AwaitFrontend", deployment * time.Second},
			{"ConfigureDNS", "AwaitCertificate", certificate * time.Second}}
	}
	for _, c := range []struct {
		name string
		slow []slowWork
		want time.Duration
	}{
		// project 2+50+2, deploying 4+40+1, proxy 2
		{"project and deployment", works(50, 40, 30), 101 * time.Second},
		{"certificate beside them", works(50, 40, 98), 101 * time.Second},
		{"certificate longer than both", works(50, 40, 118), 121 * time.Second},
		{"calls alone", nil, 2*time.Second + 2*time.Second + 4*time.Second + time.Second + 2*time.Second},
	} {
		timed := timing{calls: calls, slow: c.slow, ends: map[string]time.Duration{}}
		timed.along(graphs()["provision"], 0)
		if got := timed.ends["ActivateInstance"]; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCallsSideBySideCountOnce(t *testing.T) {
	got := sideBySide([]callReport{call("b", 5, 6), call("a", 0, 4), call("a", 1, 2), call("a", 3, 5)})
	if got != 6*time.Second {
		t.Errorf("%s, want 6s", got)
	}
}
