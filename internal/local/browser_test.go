//go:build browser

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// browserSpeed lets a provisioning end within half a minute, and leaves room for what is real, on a busy machine as well.
const browserSpeed = 10

// browser is a headless Chromium, driven as a person would.
type browser struct {
	t     *testing.T
	ctx   context.Context
	shots string

	mu         sync.Mutex
	complaints []string // of pages: scripts that failed, what the content policy refused
}

// openBrowser starts Chromium: CHROME, or what is on PATH.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	shots := cmp.Or(os.Getenv("SCREENSHOTS"), t.TempDir())
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Flag("no-proxy-server", true), chromedp.Flag("lang", "en-US"))
	if path := os.Getenv("CHROME"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	if os.Geteuid() == 0 { // its sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		stop()
	})
	b := &browser{t: t, ctx: ctx, shots: shots}
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complain(event.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			b.complain(event.Entry.Text + " " + event.Entry.URL)
		}
	})
	if err := chromedp.Run(ctx); err != nil { // without a limit: the browser lives as long as the context that it is started with
		t.Fatalf("Chromium does not start: %v", err)
	}
	return b
}

func (b *browser) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = nil
}

func (b *browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// do runs actions, within a minute.
func (b *browser) do(what string, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := clock.System().WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var body, at string
		ctx, cancel := clock.System().WithTimeout(b.ctx, 10*time.Second)
		defer cancel()
		_ = chromedp.Run(ctx, chromedp.Location(&at), chromedp.Text("body", &body, chromedp.ByQuery))
		b.t.Fatalf("%s: %v\nat %s:\n%s", what, err, at, body)
	}
}

func (b *browser) open(url string) { b.t.Helper(); b.do("open", chromedp.Navigate(url)) }

// await waits until the page's main part says something, over changes of the page.
func (b *browser) await(words string) {
	b.t.Helper()
	says := fmt.Sprintf(`document.querySelector("main, body").innerText.includes(%q)`, words)
	b.do("await "+words, chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			var found bool
			if err := chromedp.Evaluate(says, &found).Do(ctx); err == nil && found { // its error: the page is just being left
				return nil
			}
			if err := clock.System().Sleep(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
	}))
}

// fill types into an empty field.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	at := fmt.Sprintf(`[name=%q]`, name)
	b.do("fill "+name, chromedp.WaitVisible(at, chromedp.ByQuery), chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).value = ""`, at), nil),
		chromedp.SendKeys(at, value, chromedp.ByQuery))
}

func (b *browser) choose(name, value string) {
	b.t.Helper()
	at := fmt.Sprintf(`[name=%q]`, name)
	var chosen string
	b.do("choose "+name, chromedp.Evaluate(fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event("change", {bubbles: true})); return e.value })(document.querySelector(%q))`, value, at), &chosen))
	if chosen != value {
		b.t.Fatalf("%s has no choice %q", name, value)
	}
}

// click clicks a button, link or summary by its words or label, and waits for the next page where it leads to one.
func (b *browser) click(words string) {
	b.t.Helper()
	b.do("click "+words, chromedp.Click(fmt.Sprintf(`//main//*[self::button or self::a or self::summary][contains(normalize-space(.), %q) or contains(@aria-label, %[1]q)]`, words),
		chromedp.BySearch, chromedp.NodeVisible))
}

func (b *browser) value(name string) (value string) {
	b.t.Helper()
	b.do("value of "+name, chromedp.Value(fmt.Sprintf(`[name=%q]`, name), &value, chromedp.ByQuery))
	return value
}

func (b *browser) location() (at string) {
	b.t.Helper()
	b.do("location", chromedp.Location(&at))
	return at
}

// shoot keeps a picture of the page, and judges it: nothing is wider than the window, every field has a label.
func (b *browser) shoot(name string) {
	b.t.Helper()
	var picture []byte
	var wide, unlabelled int
	b.do("shoot "+name,
		chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &wide),
		chromedp.Evaluate(`[...document.querySelectorAll("input:not([type=hidden]), select")].filter(e => !e.labels.length && !e.ariaLabel).length`, &unlabelled),
		chromedp.FullScreenshot(&picture, 100))
	if wide > 0 || unlabelled > 0 {
		b.t.Errorf("%s: %d pixels too wide, %d fields without a label", name, wide, unlabelled)
	}
	if err := os.WriteFile(filepath.Join(b.shots, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) window(width, height int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do("window", chromedp.EmulateViewport(width, height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// noPage is one that there isn't.
const noPage = "/console/no-such-page"

// wantQuiet judges that no page's script failed and that the content policy refused nothing. The answers that refuse a form, or
// that there is no such page as noPage, are logged by the browser as well.
func (b *browser) wantQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, complaint := range b.complaints {
		if !strings.Contains(complaint, "status of 422") && (!strings.Contains(complaint, "status of 404") || !strings.HasSuffix(complaint, noPage)) {
			b.t.Errorf("a page complained: %s", complaint)
		}
	}
}

// TestPagesInABrowser goes once through it all: the form, filled in wrongly and rightly; the console, where the signup is approved and
// its execution watched; the live instance's own page; every page in a narrow window and by keyboard; a rejection on a phone; an incident; a
// freeze; the end of a session.
func TestPagesInABrowser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	rules, err := sim.ParseRules("sendgrid.SendMail=500-after@2")
	if err != nil {
		t.Fatal(err)
	}
	out, stop, ended := &notifying{}, newInterrupts(), make(chan error, 1)
	up := out.when("Ctrl-C ends it")
	go func() {
		ended <- keepUp(serveOptions{address: "127.0.0.1:0", dir: dir, speed: browserSpeed, rules: rules},
			terminal{in: strings.NewReader(""), out: out, err: &bytes.Buffer{}, getenv: os.Getenv}, stop)
	}()
	select {
	case <-up:
	case err := <-ended:
		t.Fatal(err)
	}
	b := openBrowser(t)
	signup := regexp.MustCompile(`signup +(http\S+)`).FindStringSubmatch(out.String())[1]
	console := regexp.MustCompile(`console +(http\S+)`).FindStringSubmatch(out.String())[1]
	welcome := b.signsUp(signup)
	b.approves(console, strings.TrimSuffix(signup, "/"))
	b.open(welcome)
	b.await("acme-dental is live")
	b.shoot("live")
	b.wantQuiet()
	b.click("Open https://acme-dental.gimbal.app")
	b.await("Acme Dental")
	if at := b.location(); !strings.Contains(at, "acme-dental.gimbal.app.localhost") {
		t.Errorf("the instance's page is at %s", at)
	}
	b.do("it has the customer's logo", chromedp.Poll(`[...document.images].some(i => i.naturalWidth > 1)`, nil))
	b.shoot("instance-itself")
	b.forget() // what the customer's page, which is not of the portal, had to say
	beta := b.signsUpOnAPhone(signup)
	b.everyPage(strings.TrimSuffix(signup, "/"), welcome)
	b.rejectsOnAPhone(signup, beta)
	b.seesToAnIncident(signup)
	b.freezes(signup)
	b.signsOut(strings.TrimSuffix(signup, "/"))
	b.wantQuiet()
	stop.interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// signsUp fills the form in, wrongly first, and gives the address of the page that follows the signup.
func (b *browser) signsUp(form string) string {
	b.window(1100, 900, false)
	b.open(form)
	b.shoot("form")
	b.fill("company", "Acme Dental")
	b.fill("slug", "www")
	b.await("https://www.gimbal.app")
	b.fill("admin_name", "Ada Byron")
	b.fill("admin_email", "ada@acme")
	b.fill("phone", "+12125550123")
	b.choose("plan", "tiered")
	b.do("tiers are shown", chromedp.WaitVisible(`[name="tier"]`, chromedp.ByQuery))
	b.choose("plan", "flat")
	b.do("tiers are hidden", chromedp.WaitNotVisible(`[name="tier"]`, chromedp.ByQuery))
	b.choose("vertical", "dental")
	b.choose("plan", "tiered")
	b.choose("tier", "growth")
	b.fill("branding.primary_color", "#0f766e")
	b.fill("branding.logo_url", "https://www.acme-dental.example/logo.png")
	b.fill("branding.favicon_url", "https://www.acme-dental.example/favicon.ico")
	b.click("Send the signup")
	b.await("Please mend these")
	b.await("this one is reserved")
	b.shoot("form-faults")
	for name, typed := range map[string]string{"company": "Acme Dental", "admin_email": "ada@acme", "vertical": "dental", "tier": "growth",
		"branding.favicon_url": "https://www.acme-dental.example/favicon.ico"} {
		if kept := b.value(name); kept != typed {
			b.t.Errorf("%s was %q and is %q", name, typed, kept)
		}
	}
	b.fill("slug", "acme-dental")
	b.fill("admin_email", "ada@acme-dental.example")
	b.click("Send the signup")
	b.await("acme-dental is on its way")
	b.shoot("welcome")
	return b.location()
}

// approves signs in, approves, and watches the execution to its end.
func (b *browser) approves(console, base string) {
	b.open(base + "/console")
	b.await("Operator's token")
	b.shoot("sign-in")
	b.open(console)
	b.await("Acme Dental")
	if at := b.location(); at != base+"/console" {
		b.t.Errorf("signed in at %s", at)
	}
	b.await("ada@acme-dental.example")
	b.await("tiered growth · dental")
	b.shoot("overview")
	b.click("Approve acme-dental")
	b.await("acme-dental is approved")
	b.await("RUNNING")
	b.click("provision op-")
	b.watches()
	b.do("to the instance", chromedp.Click(`main a[href^="/console/instances/"]`, chromedp.ByQuery))
	b.await("https://acme-dental.gimbal.app")
	b.await("ACTIVE")
	b.shoot("instance")
	b.click("Show the audit")
	b.await("signup.decided")
	b.filters(base + "/console/executions")
	b.open(base + "/console/instances")
	b.await("acme-dental")
	b.shoot("instances")
}

// seesToAnIncident acknowledges the one of the mail whose fate is unknown, and sends the mail once more, which closes it.
func (b *browser) seesToAnIncident(base string) {
	b.open(base + "console/incidents")
	b.await("MessageUnknown")
	b.shoot("incidents")
	var told string
	b.do("the incident's words", chromedp.Text("main", &told, chromedp.ByQuery))
	message := regexp.MustCompile(`whether message (\S+) reached`).FindStringSubmatch(told) // the second mail, whichever that is
	if message == nil {
		b.t.Fatalf("no message is named: %s", told)
	}
	b.click("I see to it")
	b.await("by token, since")
	b.do("to the instance", chromedp.Click(`main a[href^="/console/instances/"]`, chromedp.ByQuery))
	b.await("operator-word")
	b.click("Send " + message[1] + " once more")
	b.await("Message " + message[1] + "-resend-2: sent.")
	b.await("closed")
	b.open(base + "console/incidents")
	b.await("No incident is open.")
}

// freezes and thaws.
func (b *browser) freezes(base string) {
	b.open(base + "console")
	b.await("A freeze lets nothing new start")
	b.choose("scope", "twilio")
	b.fill("reason", "Twilio has an outage")
	b.do("freeze", chromedp.Click(`form[action="/console/freeze"] button`, chromedp.ByQuery))
	b.await("twilio is frozen")
	b.shoot("frozen")
	b.click("Thaw twilio")
	b.await("Thawed")
}

// signsUpOnAPhone fills the form in, in a small, dark window, and gives the address of the page that follows the signup.
func (b *browser) signsUpOnAPhone(base string) string {
	b.t.Helper()
	b.window(390, 844, true)
	b.open(base)
	b.fill("company", "Beta <b>Bakery</b>")
	b.fill("slug", "beta-bakery")
	b.fill("admin_name", "Bob")
	b.fill("admin_email", "bob@beta.example")
	b.shoot("phone-form")
	b.click("Send the signup")
	b.await("beta-bakery is on its way")
	b.shoot("phone-welcome")
	return b.location()
}

// rejectsOnAPhone rejects it there.
func (b *browser) rejectsOnAPhone(base, welcome string) {
	b.t.Helper()
	b.window(390, 844, true)
	b.open(base + "console")
	b.await("Beta <b>Bakery</b>")
	b.shoot("phone-overview")
	b.click("Reject beta-bakery")
	b.fill("reason", "signed up twice")
	b.do("reject", chromedp.Click(`details[open] button.danger`, chromedp.ByQuery))
	b.await("beta-bakery is rejected")
	b.open(welcome)
	b.await("The signup was rejected: signed up twice")
	b.open(base + "console/instances")
	b.await("acme-dental")
	b.click("acme-dental")
	b.await("https://acme-dental.gimbal.app")
	b.shoot("phone-instance")
	b.window(1100, 900, false)
}
