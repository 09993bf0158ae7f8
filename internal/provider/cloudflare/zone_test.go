package cloudflare_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
)

func TestTokenAndZone(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		if got := must[cloudflare.Token](t)(w.client.VerifyToken(t.Context())); got != (cloudflare.Token{Status: "active"}) {
			t.Errorf("the token is %+v", got)
		}
		got := must[cloudflare.Zone](t)(w.client.Zone(t.Context()))
		if got.Name != "gimbal.app" || got.Status != "active" || got.Permissions[0] != "#dns_records:edit" {
			t.Errorf("the zone is %+v", got)
		}
		for i := range 3 {
			must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cloudflare.NewRecord{Type: "TXT", Name: host, Content: fmt.Sprint(i)}))
		}
		if n := must[int](t)(w.client.CountRecords(t.Context())); n != 3 {
			t.Errorf("%d records, want 3", n)
		}
		c := config(w.link)
		c.Settings.CloudflareZone = strings.Repeat("f", 32)
		_, err := cloudflare.New(c).Zone(t.Context())
		assertFault(t, err, "GetZone", fault.Rejected, true, 0)
	})
}

func TestNoZoneIDIsSentThatIsNone(t *testing.T) {
	c := config(answers(func(*http.Request) (int, string) { t.Error("a request was sent"); return 500, "" }))
	c.Settings.CloudflareZone = "../user"
	_, err := cloudflare.New(c).Zone(t.Context())
	assertFault(t, err, "GetZone", fault.Rejected, true, 0)
}

// TestUnusableReads has the vendor answer what is no answer to a question about the token, the zone or its size.
func TestUnusableReads(t *testing.T) {
	reads := map[string]func(c *cloudflare.Client) error{
		"VerifyToken": func(c *cloudflare.Client) error { _, err := c.VerifyToken(t.Context()); return err },
		"GetZone":     func(c *cloudflare.Client) error { _, err := c.Zone(t.Context()); return err },
		"ListRecords": func(c *cloudflare.Client) error { _, err := c.CountRecords(t.Context()); return err },
	}
	whole := map[string]string{
		"VerifyToken": `{"success":true,"result":{"id":"a","status":"active","expires_on":"2027-01-01T00:00:00Z"}}`,
		"GetZone":     `{"success":true,"result":{"id":"` + zone + `","name":"gimbal.app","status":"active"}}`,
		"ListRecords": `{"success":true,"result":[],"result_info":{"total_count":0}}`,
	}
	for operation, read := range reads {
		body := whole[operation]
		if err := read(cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, body })))); err != nil {
			t.Errorf("%s, a whole answer: %v", operation, err)
		}
		for name, bad := range map[string]string{
			"html": "<html>", "empty": "", "truncated": body[:len(body)/2], "null": `{"success":true,"result":null}`,
			"no success":  strings.Replace(body, "true", "false", 1),
			"wrong types": strings.NewReplacer(`"active"`, `7`, `"total_count":0`, `"total_count":"0"`).Replace(body),
			"free text":   strings.NewReplacer(`"active"`, `"Active, says <b>we</b>"`, `"total_count":0`, `"total_count":-1`).Replace(body),
			"nothing":     `{"success":true,"result":{}}`,
			"10 MB":       body[:len(body)-1] + strings.Repeat(" ", 10<<20) + "}",
		} {
			err := read(cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, bad }))))
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s, %s: %v", operation, name, err)
				continue
			}
			assertFault(t, err, operation, fault.Unavailable, false, 0)
		}
		for _, status := range []int{201, 204, 301, 307, 408, 500, 503} {
			err := read(cloudflare.New(config(answers(func(*http.Request) (int, string) { return status, body }))))
			assertFault(t, err, operation, fault.Unavailable, false, 0)
		}
	}
}
