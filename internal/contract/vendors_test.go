package contract_test

import (
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/provider"
)

// TestOpenAll: documents are found by base URL; other hosts pass.
func TestOpenAll(t *testing.T) {
	own(t)
	tests := map[string]string{
		"https://p1.parcel.example/v1/parcels?owner=me":           "",
		"https://p1.parcel.example/v1/nothing":                    "is no operation",
		"https://p1.parcel.example/v2/parcels?owner=me":           "is no operation",
		"https://parcel.example/v1/nothing":                       "", // another host
		"http://127.0.0.1:8700/project/abc/api/parcels?owner=me":  "",
		"http://127.0.0.1:8700/project/abc/api/parcels?woner=me":  "woner is not declared",
		"http://127.0.0.1:8700/project/abc/apis/parcels?owner=me": "is no operation",
		"http://127.0.0.1:8701/project/abc/api/nothing":           "",
		"http://127.0.0.1:8700/project/abc/storage/v1/bucket":     "",
	}
	for url, want := range tests {
		told := &recorder{TB: t}
		spec := contract.OpenAll(told, map[string]string{
			"https://{ref}.parcel.example/v1":         "parcel",
			"http://127.0.0.1:8700/project/{ref}/api": "parcel",
		})
		next := answering(200, "[]", "Content-Type", "application/json")
		answer, err := spec.Check(next).RoundTrip(request(t, "GET", url, "", "Authorization", "Bearer x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		found := strings.Join(told.errors, "; ")
		if (want == "") != (found == "") || !strings.Contains(found, want) {
			t.Errorf("%s: told %q, want %q", url, found, want)
		}
	}
}

func TestOpenSaysWhy(t *testing.T) {
	told := &recorder{TB: t}
	t.Setenv(contract.Variable, "")
	apart(func() { contract.Open(told, "parcel") })
	if !strings.Contains(told.skipped, "contract tests skipped: VENDOR_SPECS names no folder") {
		t.Errorf("skipped with %q", told.skipped)
	}
	told = &recorder{TB: t}
	own(t)
	apart(func() { contract.Open(told, "letter") })
	if !strings.Contains(told.failed, "letter.json") || told.skipped != "" {
		t.Errorf("a missing document: failed %q, skipped %q", told.failed, told.skipped)
	}
}

// TestVendors: every document loads and has the operations that Fleet builds on.
func TestVendors(t *testing.T) {
	tests := map[string][2]string{
		"supabase":      {"GET", "https://x.example/v1/projects"},
		"supabase-auth": {"GET", "https://x.example/auth/v1/admin/users"},
		"vercel":        {"GET", "https://x.example/v10/projects"},
		"cloudflare":    {"GET", "https://x.example/client/v4/zones"},
		"twilio":        {"GET", "https://x.example/2010-04-01/Accounts.json"},
		"sendgrid":      {"GET", "https://x.example/v3/subusers"},
	}
	for vendor, call := range tests {
		t.Run(vendor, func(t *testing.T) {
			contract.Open(t, vendor) // skips here, or fails to load
			told := &recorder{TB: t}
			spec := contract.Open(told, vendor)
			answer, err := spec.Check(answering(500, "")).RoundTrip(request(t, call[0], call[1], ""))
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if len(spec.Seen()) != 1 {
				t.Errorf("%s %s is unknown: %q", call[0], call[1], told.errors)
			}
		})
	}
}

// TestRepairs: where a vendor's document contradicts itself, what is left of it still holds.
func TestRepairs(t *testing.T) {
	contract.Open(t, "cloudflare") // skips here
	const at = "https://x.example/client/v4/zones/0123/dns_records"
	record := `{"type":"CNAME","name":"a.gimbal.app","content":"b.example"}`
	for name, test := range map[string]struct {
		body, answer string
		want         bool
	}{
		"failure":         {record, `{"success":false,"errors":[],"messages":[],"result":null}`, true},
		"no failure":      {record, `{"success":true,"errors":[],"messages":[],"result":null}`, false},
		"half a failure":  {record, `{"success":false,"errors":[]}`, false},
		"half a record":   {`{"type":"CNAME","content":"b.example"}`, `{"success":false,"errors":[],"messages":[],"result":null}`, false},
		"unknown in body": {strings.Replace(record, "type", "kind", 1), `{"success":false,"errors":[],"messages":[],"result":null}`, false},
	} {
		told := &recorder{TB: t}
		next := answering(400, test.answer, "Content-Type", "application/json")
		answer, err := contract.Open(told, "cloudflare").Check(next).RoundTrip(
			request(t, "POST", at, test.body, "Authorization", "Bearer x", "Content-Type", "application/json"))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if (len(told.errors) == 0) != test.want {
			t.Errorf("%s: told %q", name, told.errors)
		}
	}
}

func TestPlaces(t *testing.T) {
	places := contract.Places(provider.Production())
	if len(places) != 7 || places["https://{ref}.supabase.co/auth/v1"] != "supabase-auth" || places["https://messaging.twilio.com"] != "twilio" {
		t.Errorf("places: %v", places)
	}
}
