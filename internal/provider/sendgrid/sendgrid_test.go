package sendgrid_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

func TestSubusersLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1, Answer: time.Second}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		made := must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		other := newSubuser
		other.Username = subuser + "0" // the vendor's filter finds it as well
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, other))
		found := must[[]sendgrid.Subuser](t)(w.client.FindSubusers(t.Context(), subuser))
		if want := []sendgrid.Subuser{{Username: subuser, ID: made.ID}}; !cmp.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		for range 2 { // the second time it is gone already
			if err := w.client.DeleteSubuser(ctx, subuser); err != nil {
				t.Fatal(err)
			}
		}
		if left := w.vendor.Inventory(); len(left) != 1 || left[0].Name != other.Username {
			t.Errorf("left: %v", left)
		}
		if found := must[[]sendgrid.Subuser](t)(w.client.FindSubusers(t.Context(), subuser)); len(found) != 0 {
			t.Errorf("found %v after the deletion", found)
		}
	})
}

func TestSubusersRefused(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		create := func(name string) error {
			n := newSubuser
			n.Username = name
			_, err := w.client.CreateSubuser(ctx, n)
			return err
		}
		code := func(err error) string { return err.(*fault.Error).VendorCode }

		err := create("strangers")
		assertFault(t, err, "CreateSubuser", fault.Conflict, true, 0)
		if code(err) != sendgrid.CodeUsernameExists {
			t.Errorf("code %q", code(err))
		}
		if found := must[[]sendgrid.Subuser](t)(w.client.FindSubusers(ctx, "strangers")); len(found) != 0 {
			t.Errorf("a stranger's subuser shows: %v", found)
		}
		for _, name := range []string{subuser, "gf-i2"} {
			if err := create(name); err != nil {
				t.Fatal(err)
			}
		}
		assertFault(t, create(subuser), "CreateSubuser", fault.Conflict, true, 0)
		err = create("gf-i3")
		assertFault(t, err, "CreateSubuser", fault.QuotaExceeded, true, 0)
		if code(err) != sendgrid.CodeSubuserLimit {
			t.Errorf("code %q", code(err))
		}

		c := config(w.link)
		c.Settings.SendGridIPs = []string{"198.51.100.9"}
		_, err = sendgrid.New(c).CreateSubuser(ctx, sendgrid.NewSubuser{Username: "gf-i4", Email: "a@b.example", Password: newSubuser.Password})
		assertFault(t, err, "CreateSubuser", fault.Unavailable, true, 0)
		if code(err) != sendgrid.CodeIPsNotValidated {
			t.Errorf("code %q", code(err))
		}
		weak := newSubuser
		weak.Username, weak.Password = "gf-i5", provider.NewSecret("short")
		_, err = w.client.CreateSubuser(ctx, weak)
		assertFault(t, err, "CreateSubuser", fault.Rejected, true, 0)
	})
}

func TestKeysLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		first := must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		second := must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "other", []string{"mail.send"}))
		if first.Secret.Empty() || first.Secret == second.Secret || first.ID == second.ID {
			t.Error("two keys aren't two")
		}
		found := must[[]sendgrid.Key](t)(w.client.FindKeys(ctx, subuser, "send"))
		if len(found) != 2 || found[0].ID != first.ID || found[1].ID != second.ID || !found[0].Secret.Empty() {
			t.Errorf("found %v, want both keys of that name without their secrets", found)
		}
		for _, held := range w.vendor.Inventory() {
			if held.Kind == "sendgrid_key" && held.Mark != subuser {
				t.Errorf("%v is not the subuser's", held)
			}
		}
		for _, id := range []string{first.ID, first.ID, second.ID} {
			if err := w.client.DeleteKey(ctx, subuser, id); err != nil {
				t.Fatal(err)
			}
		}
		if found := must[[]sendgrid.Key](t)(w.client.FindKeys(ctx, subuser, "send")); len(found) != 0 {
			t.Errorf("found %v after the deletion", found)
		}
	})
}

func TestSecretsDontPrint(t *testing.T) {
	client := always(201, `{"api_key":"SG.id.SECRET","api_key_id":"id","name":"send","scopes":["mail.send"]}`)
	made := must[sendgrid.Key](t)(client.CreateKey(attempt(t), subuser, "send", []string{"mail.send"}))
	if made.Secret.Reveal() != "SG.id.SECRET" {
		t.Fatalf("the secret is %q", made.Secret.Reveal())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, made) + fmt.Sprintf(verb, newSubuser); strings.Contains(text, "SECRET") || strings.Contains(text, password) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestNeverTheParent: without the header these calls would act on Fleet's own account.
func TestNeverTheParent(t *testing.T) {
	client := sendgrid.New(config(answers(func(*http.Request) (int, string) {
		t.Error("a request was sent")
		return 500, ""
	})))
	ctx := attempt(t)
	for _, name := range []string{"", "..", ".", "a/b", "a\r\nb", strings.Repeat("a", 65)} {
		_, err := client.FindKeys(ctx, name, "send")
		assertFault(t, err, "ListKeys", fault.Internal, true, 0)
		_, err = client.CreateKey(ctx, name, "send", []string{"mail.send"})
		assertFault(t, err, "CreateKey", fault.Internal, true, 0)
		assertFault(t, client.DeleteKey(ctx, name, "id"), "DeleteKey", fault.Internal, true, 0)
		_, err = client.FindDomains(ctx, name, host)
		assertFault(t, err, "ListDomains", fault.Internal, true, 0)
		_, err = client.AuthenticateDomain(ctx, name, host, "em")
		assertFault(t, err, "AuthenticateDomain", fault.Internal, true, 0)
		_, err = client.ValidateDomain(ctx, name, 1)
		assertFault(t, err, "ValidateDomain", fault.Internal, true, 0)
		assertFault(t, client.DeleteDomain(ctx, name, 1), "DeleteDomain", fault.Internal, true, 0)
		assertFault(t, client.DeleteSubuser(ctx, name), "DeleteSubuser", fault.Internal, true, 0)
		assertFault(t, client.SetDisabled(ctx, name, true), "UpdateSubuser", fault.Internal, true, 0)
	}
	_, err := client.CreateKey(ctx, subuser, "send", nil)
	assertFault(t, err, "CreateKey", fault.Internal, true, 0)
	assertFault(t, client.DeleteKey(ctx, subuser, "../subusers"), "DeleteKey", fault.Internal, true, 0)
	assertFault(t, client.DeleteDomain(ctx, subuser, 0), "DeleteDomain", fault.Internal, true, 0)
}

func TestDomainsLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		made := must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, host, "em"))
		// The vendor's filter finds this one as well.
		must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, "mail."+host, "em"))
		var hosts []string
		for _, r := range made.Records {
			hosts = append(hosts, r.Type+" "+r.Host)
		}
		if want := []string{"cname em." + host, "cname s1._domainkey." + host, "cname s2._domainkey." + host}; !cmp.Equal(hosts, want) {
			t.Errorf("records %v, want %v", hosts, want)
		}
		found := must[[]sendgrid.Domain](t)(w.client.FindDomains(t.Context(), subuser, strings.ToUpper(host)))
		if !cmp.Equal(found, []sendgrid.Domain{made}) {
			t.Errorf("found %v, want %v", found, made)
		}

		valid := func() bool { return must[bool](t)(w.client.ValidateDomain(t.Context(), subuser, made.ID)) }
		never := func(why string) {
			t.Helper()
			if valid(); valid() {
				t.Errorf("valid %s", why)
			}
			time.Sleep(time.Minute)
			if valid() {
				t.Errorf("valid %s", why)
			}
		}
		never("without records")
		w.dns.publish(false, made.Records[:2]...)
		never("with two records of three")
		w.dns.publish(true, made.Records...)
		never("with proxied records")
		w.dns.publish(false, made.Records...)
		if valid() {
			t.Error("valid as soon as the records are there")
		}
		time.Sleep(time.Minute)
		if !valid() {
			t.Error("not valid with all records")
		}
		if found := must[[]sendgrid.Domain](t)(w.client.FindDomains(ctx, subuser, host)); !found[0].Valid {
			t.Error("the list doesn't show that it is valid")
		}
		for range 2 {
			if err := w.client.DeleteDomain(ctx, subuser, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.client.ValidateDomain(t.Context(), subuser, made.ID)
		if !provider.NotFound(err) {
			t.Errorf("validating an absent domain: %v", err)
		}
	})
}

// TestNothingIsLeftOfADeletedSubuser: looking for what went with a subuser finds nothing, whatever the vendor says to
// acting for an absent one.
func TestNothingIsLeftOfADeletedSubuser(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		key := must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		domain := must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, host, "em"))
		if err := w.client.DeleteSubuser(ctx, subuser); err != nil {
			t.Fatal(err)
		}
		if keys := must[[]sendgrid.Key](t)(w.client.FindKeys(ctx, subuser, "send")); len(keys) != 0 {
			t.Errorf("keys: %v", keys)
		}
		if domains := must[[]sendgrid.Domain](t)(w.client.FindDomains(ctx, subuser, host)); len(domains) != 0 {
			t.Errorf("domains: %v", domains)
		}
		if err := w.client.DeleteKey(ctx, subuser, key.ID); err != nil {
			t.Error(err)
		}
		if err := w.client.DeleteDomain(ctx, subuser, domain.ID); err != nil {
			t.Error(err)
		}
		if left := w.vendor.Inventory(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		_, err := w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"})
		assertFault(t, err, "CreateKey", fault.Rejected, true, 0)
	})
}

func TestMail(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		m := sendgrid.Mail{
			To: "jane@example.com", ToName: "Jane", From: "fleet@gimbal.app", FromName: "Gimbal", Subject: "Welcome",
			Text: "Hello", HTML: "<p>Hello</p>", MessageID: "m1",
		}
		id := must[string](t)(w.client.SendMail(attempt(t), m))
		sent := w.vendor.Sent()
		if len(sent) != 1 {
			t.Fatalf("%d mails sent", len(sent))
		}
		got := sent[0]
		got.At = time.Time{}
		want := got
		want.ID, want.From, want.FromName, want.To, want.ToName = id, m.From, m.FromName, m.To, m.ToName
		want.Subject, want.Text, want.HTML, want.CustomArgs = m.Subject, m.Text, m.HTML, map[string]string{"message_id": "m1"}
		if id == "" || !cmp.Equal(got, want) {
			t.Errorf("sent %+v, want %+v", got, want)
		}

		if err := w.client.CheckMail(t.Context(), m.From, m.To); err != nil || len(w.vendor.Sent()) != 1 {
			t.Errorf("a check without an attempt: %v, and %d mails are sent", err, len(w.vendor.Sent()))
		}
		unverified := m
		unverified.From = "someone@example.com"
		_, err := w.client.SendMail(attempt(t), unverified)
		assertFault(t, err, "SendMail", fault.Rejected, true, 0)
		_, err = w.client.SendMail(attempt(t), sendgrid.Mail{To: m.To, From: m.From, Subject: "empty"})
		assertFault(t, err, "SendMail", fault.Internal, true, 0)
		_, err = w.client.SendMail(t.Context(), m)
		assertFault(t, err, "SendMail", fault.Internal, true, 0)

		wrong := config(w.link)
		wrong.Credential = func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("SG.wrong"), nil }
		_, err = sendgrid.New(wrong).SendMail(attempt(t), m)
		assertFault(t, err, "SendMail", fault.Rejected, true, 0)
		if f := err.(*fault.Error); f.Status != http.StatusUnauthorized {
			t.Errorf("status %d with a wrong key", f.Status)
		}
		if n := len(w.vendor.Sent()); n != 1 {
			t.Errorf("%d mails sent, want 1", n)
		}
	})
}

// TestMailIsNotTracked: tracking would rewrite the links that let people in.
func TestMailIsNotTracked(t *testing.T) {
	var body string
	client := sendgrid.New(config(answers(func(r *http.Request) (int, string) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		return 500, ""
	})))
	_, err := client.SendMail(attempt(t), sendgrid.Mail{To: "a@example.com", From: "b@example.com", Subject: "s", Text: "t"})
	assertFault(t, err, "SendMail", fault.Unavailable, false, 0)
	if want := `"tracking_settings":{"click_tracking":{"enable":false,"enable_text":false},"open_tracking":{"enable":false}}`; !strings.Contains(body, want) {
		t.Errorf("the body %s lacks %s", body, want)
	}
}

func TestListsLag(t *testing.T) {
	script := "sendgrid.CreateSubuser=late:30s,sendgrid.CreateKey=late:30s,sendgrid.AuthenticateDomain=late:30s,sendgrid.CreateWebhook=late:30s"
	simulate(t, script, sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, host, "em"))
		must[sendgrid.Webhook](t)(w.client.CreateWebhook(ctx, subuser, "events", posts))
		look := func() [4]int {
			return [4]int{
				len(must[[]sendgrid.Subuser](t)(w.client.FindSubusers(ctx, subuser))),
				len(must[[]sendgrid.Key](t)(w.client.FindKeys(ctx, subuser, "send"))),
				len(must[[]sendgrid.Domain](t)(w.client.FindDomains(ctx, subuser, host))),
				len(must[[]sendgrid.Webhook](t)(w.client.FindWebhooks(ctx, subuser, "events"))),
			}
		}
		if got := look(); got != [4]int{} {
			t.Errorf("lists show %v at once", got)
		}
		time.Sleep(30 * time.Second)
		if got := look(); got != [4]int{1, 1, 1, 1} {
			t.Errorf("lists show %v in the end", got)
		}
	})
}

func TestChangesNeedAnAttempt(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := t.Context()
		short, cancel := clock.System().WithTimeout(attempt(t), bounds.Call-time.Second)
		defer cancel()
		for _, test := range []struct {
			ctx  context.Context
			code fault.Code
		}{{ctx, fault.Internal}, {short, fault.NotReady}} {
			_, err := w.client.CreateSubuser(test.ctx, newSubuser)
			assertFault(t, err, "CreateSubuser", test.code, true, 0)
			_, err = w.client.CreateKey(test.ctx, subuser, "send", []string{"mail.send"})
			assertFault(t, err, "CreateKey", test.code, true, 0)
			_, err = w.client.AuthenticateDomain(test.ctx, subuser, host, "em")
			assertFault(t, err, "AuthenticateDomain", test.code, true, 0)
			assertFault(t, w.client.DeleteKey(test.ctx, subuser, "id"), "DeleteKey", test.code, true, 0)
			assertFault(t, w.client.DeleteDomain(test.ctx, subuser, 1), "DeleteDomain", test.code, true, 0)
			assertFault(t, w.client.DeleteSubuser(test.ctx, subuser), "DeleteSubuser", test.code, true, 0)
			assertFault(t, w.client.SetDisabled(test.ctx, subuser, true), "UpdateSubuser", test.code, true, 0)
		}
		if len(w.calls) != 0 {
			t.Errorf("%d calls were sent", len(w.calls))
		}
	})
}
