package main

import (
	"testing"
	"time"
)

func call(name string, from, to float64) callReport {
	return callReport{Call: name, Start: at(from), End: at(to), Status: 200}
}

func TestCriticalPath(t *testing.T) {
	lost := call("supabase.CreateProject", 0.5, 20)
	lost.Status = 0
	calls := map[string][]callReport{
		"CreateProject": {call("supabase.ListProjects", 0, 1), call("supabase.CreateProject", 1, 3), lost},
		// Looks that began before the project was up don't count; the health check and the keys after it do.
		"AwaitProject":   {call("supabase.GetProject", 5, 6), call("supabase.GetProject", 51, 53), call("supabase.GetHealth", 53, 54), call("supabase.ListAPIKeys", 54, 56)},
		"ConfigureDNS":   {call("cloudflare.CreateRecord", 2, 3)},
		"DeployFrontend": {call("vercel.UploadFile", 70, 72), call("vercel.UploadFile", 71, 73), call("vercel.CreateDeployment", 73, 74)},
		"AwaitFrontend":  {call("vercel.GetDeployment", 113, 115)},
		"ProxyDNS":       {call("cloudflare.UpdateRecord", 122, 124)},
		"NotifyCustomer": {call("sendgrid.SendMail", 130, 190)},
	}
	works := func(certificate float64) []slowWork {
		return []slowWork{
			{"CreateProject", "AwaitProject", at(2), at(52)}, // begun a second before the answer
			{"DeployFrontend", "AwaitFrontend", at(74), at(114)},
			{"ConfigureDNS", "AwaitCertificate", at(3), at(3 + certificate)},
		}
	}
	for _, c := range []struct {
		name string
		slow []slowWork
		want time.Duration
	}{
		// up at 2+50, then 1+2 of calls; deploying 4+40; proxy 2
		{"project and deployment", works(30), 101 * time.Second},
		{"certificate beside them", works(98), 101 * time.Second},
		{"certificate longer than both", works(118), 121 * time.Second},
		// Every look in its last round: 3, 2+1+2, 4, 2; proxy 2.
		{"calls alone", nil, 16 * time.Second},
	} {
		timed := timing{calls: calls, slow: c.slow, ends: map[string]time.Duration{}}
		timed.along(graphs()["provision"], 0)
		if got := timed.ends["ActivateInstance"]; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Work that an attempt began whose answer was lost, and that was adopted much later, began no earlier than its state could.
func TestLostBeginDoesNotShortenThePath(t *testing.T) {
	timed := timing{calls: map[string][]callReport{"CreateProject": {call("supabase.ListProjects", 130, 131)}},
		slow: []slowWork{{"CreateProject", "AwaitProject", at(2), at(52)}}, ends: map[string]time.Duration{}}
	timed.along(graphs()["provision"], 0)
	if got := timed.ends["ActivateInstance"]; got != 50*time.Second {
		t.Errorf("%s, want 50s", got)
	}
}

func TestCallsSideBySideCountOnce(t *testing.T) {
	got := sideBySide([]callReport{call("b", 5, 6), call("a", 0, 4), call("a", 1, 2), call("a", 3, 5)})
	if got != 6*time.Second {
		t.Errorf("%s, want 6s", got)
	}
}
