package fleet_test

import (
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

func TestOutageBegins(t *testing.T) {
	type failure struct {
		by      string
		minutes float64
	}
	for name, c := range map[string]struct {
		failures []failure
		answered int // after which failure a call is answered; 0 for none
		down     bool
	}{
		"three at once":                   {[]failure{{"a", 0}, {"b", 0}, {"c", 0}}, 0, true},
		"one, however often":              {[]failure{{"a", 0}, {"a", 1}, {"a", 2}, {"a", 3}, {"a", 4}}, 0, false},
		"two in turn":                     {[]failure{{"a", 0}, {"b", 1}, {"a", 2}, {"b", 3}}, 0, false},
		"an answer in between":            {[]failure{{"a", 0}, {"b", 1}, {"c", 2}}, 2, false},
		"three, over more than a window":  {[]failure{{"a", 0}, {"b", 3}, {"c", 5.1}}, 0, false},
		"three, the first failing on":     {[]failure{{"a", 0}, {"b", 3}, {"a", 4}, {"c", 7}}, 0, true},
		"an answer, and then three again": {[]failure{{"a", 0}, {"b", 0}, {"a", 1}, {"b", 1}, {"c", 1}}, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := fleet.Outage{Vendor: "supabase"}
			begun := 0
			for i, f := range c.failures {
				if o.Unanswered(f.by, false, at(f.minutes)) {
					begun++
				}
				if i+1 == c.answered && !o.Answered() {
					t.Error("the answer changed nothing")
				}
			}
			if o.Down() != c.down || begun > 1 || (begun == 1) != c.down {
				t.Errorf("down %t, begun %d times", o.Down(), begun)
			}
		})
	}
}

func TestOutageEnds(t *testing.T) {
	o := fleet.Outage{Vendor: "supabase"}
	fail := func(minute float64) {
		for _, by := range []string{"a", "b", "c"} {
			o.Unanswered(by, false, at(minute))
		}
	}
	fail(0)
	if o.Answered() || !o.Down() {
		t.Error("an ordinary call ended it")
	}
	for _, p := range []struct {
		minute         float64
		answered, back bool
	}{
		{1, true, false}, {1.1, true, false}, // twice at once counts once
		{2, false, false}, {3, true, false}, {4, true, true}, {5, true, false},
	} {
		if o.Probed(p.answered, at(p.minute)) != p.back {
			t.Errorf("at %v: back %t", p.minute, !p.back)
		}
	}
	if o.Down() || o.Doubted() || !o.During(at(3.9)) || o.During(at(4.1)) {
		t.Errorf("after it: %+v", o)
	}
	fail(10) // it comes and goes
	for minute := 11.0; minute < 14; minute++ {
		if o.Probed(true, at(minute)) {
			t.Errorf("a vendor that flaps was back at %v", minute)
		}
	}
	if !o.Probed(true, at(14)) {
		t.Error("it is not back after four answers")
	}
	fail(60) // not again so soon
	if o.Probed(true, at(61)) || !o.Probed(true, at(62)) {
		t.Errorf("what was long ago counts still: %+v", o)
	}
}

func TestWritesAreTried(t *testing.T) {
	o := fleet.Outage{Vendor: "supabase", Writes: true}
	if o.Try(fleet.TryEvery, at(0)) || o.Holds(at(0)) {
		t.Error("nothing is wrong yet")
	}
	o.Unanswered("a", false, at(0))
	o.Unanswered("a", false, at(1))
	if o.Down() || !o.Unanswered("b", false, at(2)) {
		t.Error("two tell of the writes, and not one")
	}
	if o.Try(fleet.TryEvery, at(2.9)) || !o.Try(fleet.TryEvery, at(3)) || o.Try(fleet.TryEvery, at(3.5)) || o.Try(2*fleet.TryEvery, at(4)) {
		t.Error("one a minute tries")
	}
	for minute, holds := range map[float64]bool{3: true, 32.9: true, 33: false} {
		if o.Holds(at(minute)) != holds {
			t.Errorf("at %v it holds: %t", minute, !holds)
		}
	}
	if !o.Try(fleet.TryEvery, at(40)) || !o.Holds(at(41)) {
		t.Error("whoever went on tries, and holds the others back")
	}
	all := []fleet.Outage{o, {Vendor: "vercel", Since: at(0)}, {Vendor: "twilio"}}
	if left := fleet.Holding(all, at(80)); len(left) != 1 || left[0].Vendor != "vercel" {
		t.Errorf("%+v", left)
	}
}

func TestKindsVendors(t *testing.T) {
	for kind, vendor := range map[fleet.Kind]string{fleet.SupabaseProject: "supabase", fleet.AdminUser: "supabase", fleet.VercelDomain: "vercel",
		fleet.FrontendSettings: "vercel", fleet.DNSRecord: "cloudflare", fleet.DNSProxy: "cloudflare", fleet.TwilioKey: "twilio",
		fleet.TwilioService: "twilio", fleet.TwilioCallbacks: "twilio", fleet.SendGridDomain: "sendgrid",
		fleet.SendGridWebhook: "sendgrid", fleet.SendGridPostings: "sendgrid"} {
		if kind.Vendor() != vendor {
			t.Errorf("%s is at %s", kind, kind.Vendor())
		}
	}
}
