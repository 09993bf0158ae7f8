package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// upAndDown serves from dir while f uses it.
func upAndDown(t *testing.T, dir string, f func(c client, out *notifying)) {
	t.Helper()
	out, stop, ended := &notifying{}, newInterrupts(), make(chan int, 1)
	var complaint bytes.Buffer
	up := out.when("Ctrl-C ends it")
	go func() {
		ended <- run([]string{"serve", "-addr", "127.0.0.1:0", "-data", dir, "-speed", "25"},
			terminal{in: strings.NewReader(""), out: out, err: &complaint, getenv: os.Getenv}, stop)
	}()
	select {
	case <-up:
	case code := <-ended:
		t.Fatalf("serve ended with %d: %s", code, complaint.String())
	}
	kept, err := keptCredentials(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	front := regexp.MustCompile(`front +(http\S+)`).FindStringSubmatch(out.String())[1]
	var at keptTime // it is written soon after, with a reserve
	for found := false; !found; {
		if found, err = folder(dir).read("clock.json", &at); err != nil {
			t.Fatal(err)
		}
	}
	origin := clock.Scaled(at.Now.Add(-25*ahead), 25)
	told, err := os.ReadFile(filepath.Join(dir, "front.json")) // fleetctl reads it
	if !strings.Contains(out.String(), "signup      "+front+"/\n") || !strings.Contains(out.String(), "console     "+front+"/console/sign-in?token="+kept[step.OperatorToken]+"\n") {
		t.Errorf("where the pages are isn't printed: %s", out.String())
	}
	if want := `{"url":"` + front + `"}`; err != nil || string(told) != want {
		t.Errorf("front.json holds %s, want %s: %v", told, want, err)
	}
	f(client{base: front, clock: origin, credentials: kept}, out)
	stop.interrupt()
	if code := <-ended; code != exitDone || complaint.Len() > 0 {
		t.Fatalf("serve ended with %d: %s", code, complaint.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "front.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("front.json is still there: %v", err)
	}
}

func written(t *testing.T, out *notifying, words string) {
	t.Helper()
	c := clock.System()
	ctx, cancel := c.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-out.when(words):
	case <-ctx.Done():
		t.Fatalf("%q was never said:\n%s", words, out.String())
	}
}

func TestServeGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() { // where its user can't reach the folder, PostgreSQL keeps its files elsewhere
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	event, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	var id, token string
	var followed <-chan error
	upAndDown(t, dir, func(c client, out *notifying) {
		token = c.operator()["Authorization"]
		if !strings.Contains(out.String(), token) {
			t.Error("the operator's token isn't printed")
		}
		p, err := c.signup(t.Context(), "msg_1", event)
		if err != nil {
			t.Fatal(err)
		}
		id = p.ID
		if _, err := c.approve(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		written(t, out, "CreateSMSAccount    done")
		written(t, out, "CreateProject       done")
		followed = follow(t, console(t, c), c.base+"/console/executions/provision/op-"+id+"-provision-1/events")
	})
	if err := <-followed; err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the page's stream: %v", err)
	}
	ports, time1 := wantKept(t, dir)
	upAndDown(t, dir, func(c client, out *notifying) {
		if c.operator()["Authorization"] != token {
			t.Error("the operator's token is another one")
		}
		wantPage(t, console(t, c), c.base+"/console/executions/provision/op-"+id+"-provision-1?state=CreateProject", "supabase.CreateProject")
		written(t, out, "op-"+id+"-teardown-1 starts") // reconcile found what was under way
		written(t, out, "RemoveSMSAccount    done")    // at the simulator that knows it again
		wantHealthy(t, c)
		p, err := c.status(t.Context(), c.base+"/signups/"+id)
		if err != nil || p.Slug != "acme-dental" {
			t.Errorf("%+v, %v", p, err)
		}
	})
	again, time2 := wantKept(t, dir)
	if ports != again {
		t.Errorf("the simulators' ports changed: %s, %s", ports, again)
	}
	if !time2.After(time1) {
		t.Errorf("time went from %s to %s", time1, time2)
	}
}

// wantHealthy judges that the doctor finds nothing wrong with a system that is up. Where this machine is too busy for the fleet's
// time, which is fast here, it says so: then it is asked again.
func wantHealthy(t *testing.T, c client) {
	t.Helper()
	var wrong []view.Check
	for range 20 {
		if wrong = examined(t, c); len(wrong) == 0 {
			return
		}
	}
	t.Errorf("%+v", wrong)
}

// examined gives what the doctor finds wrong. The simulated vendors' limits are known, but for those that have none.
func examined(t *testing.T, c client) (wrong []view.Check) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/doctor", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", c.operator()["Authorization"])
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it is only read
	var d view.Diagnosis
	if err := json.NewDecoder(answer.Body).Decode(&d); err != nil || len(d.Checks) == 0 {
		return []view.Check{{Found: answer.Status}}
	}
	for _, check := range d.Checks {
		unlimited := check.Name == "supabase.projects" || check.Name == "vercel.projects"
		if check.Verdict != view.Fine && (!unlimited || check.Verdict != view.Unchecked) {
			wrong = append(wrong, check)
		}
	}
	return wrong
}

// wantKept judges the files of a folder that nobody serves from.
func wantKept(t *testing.T, dir string) (ports string, now time.Time) {
	t.Helper()
	for _, name := range []string{"key", "credentials.json", "clock.json", "ports.json", "executions.json", "fleet.db", "fleet.log",
		"vendors/supabase.json", "vendors/vercel.json", "vendors/twilio.json", "vendors/sendgrid.json"} {
		found, err := os.Stat(filepath.Join(dir, name))
		if err != nil || found.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "data", "postmaster.pid")); err == nil {
		t.Error("PostgreSQL was not stopped")
	}
	text, err := os.ReadFile(filepath.Join(dir, "ports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept keptTime
	if _, err := folder(dir).read("clock.json", &kept); err != nil {
		t.Fatal(err)
	}
	return string(text), kept.Now
}

func TestTimeNeverGoesBack(t *testing.T) {
	f := folder(t.TempDir())
	c, err := f.clock(25)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- f.keepTime(ctx, c, 25) }()
	var first keptTime
	for there := false; !there; {
		if there, err = f.read("clock.json", &first); err != nil {
			t.Fatal(err)
		}
	}
	if first.Now.Before(c.Now()) { // a process that is killed now goes on later, not earlier
		t.Errorf("kept %s, it is %s", first.Now, c.Now())
	}
	cancel()
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	again, err := f.clock(25)
	if err != nil || again.Now().Before(c.Now().Add(-time.Second)) {
		t.Errorf("it was %s, it is %s: %v", c.Now(), again.Now(), err)
	}
}

func TestDamagedCredentials(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "one missing": `{"operator-token":"x"}`} {
		path := filepath.Join(t.TempDir(), "credentials.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keptCredentials(path); err == nil || strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCredentialsBeforeLinks: a folder from before there were links gets their secret, once.
func TestCredentialsBeforeLinks(t *testing.T) {
	old := newCredentials()
	delete(old, step.LinkSecret)
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := keptCredentials(path)
	if err != nil || len(first[step.LinkSecret]) < step.MinLinkSecret || first[step.OperatorToken] != old[step.OperatorToken] {
		t.Errorf("%v, %v", first, err)
	}
	if again, err := keptCredentials(path); err != nil || again[step.LinkSecret] != first[step.LinkSecret] {
		t.Errorf("%v, %v", again, err)
	}
}
