//go:build browser

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// TestEndInABrowser goes with a live instance to its end as far as days can't be waited for: a legal hold set and lifted, an export, the plan,
// a decommission that its name confirms, and taken back. All of it at a desk and in a window of 360 pixels, by keyboard as well.
func TestEndInABrowser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	out, stop, ended := &notifying{}, newInterrupts(), make(chan error, 1)
	up := out.when("Ctrl-C ends it")
	go func() {
		ended <- keepUp(serveOptions{address: "127.0.0.1:0", dir: dir, speed: browserSpeed}, terminal{in: strings.NewReader(""), out: out, err: &bytes.Buffer{}, getenv: os.Getenv}, stop)
	}()
	select {
	case <-up:
	case err := <-ended:
		t.Fatal(err)
	}
	b := openBrowser(t)
	signup := regexp.MustCompile(`signup +(http\S+)`).FindStringSubmatch(out.String())[1]
	at := b.live(signup, regexp.MustCompile(`console +(http\S+)`).FindStringSubmatch(out.String())[1])
	b.isHeld(at)
	b.isExported(at)
	b.isDecommissioned(at)
	b.isKept(at, strings.TrimSuffix(signup, "/"))
	b.wantQuiet()
	stop.interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// live sets an instance up, and gives the address of its page.
func (b *browser) live(signup, console string) string {
	b.t.Helper()
	b.window(1100, 900, false)
	b.open(signup)
	b.fill("company", "Beta Bakery")
	b.fill("slug", "beta-bakery")
	b.fill("admin_name", "Bob")
	b.fill("admin_email", "bob@beta.example")
	b.click("Send the signup")
	b.await("beta-bakery is on its way")
	welcome := b.location()
	b.open(console)
	b.click("Approve beta-bakery")
	b.await("beta-bakery is approved")
	b.open(welcome)
	b.await("beta-bakery is live")
	at := b.listed(strings.TrimSuffix(signup, "/")+"/console/instances", "beta-bakery")
	b.open(at)
	b.await("Decommission …") // what is left after the activation is done
	return at
}

// types fills a field of the form that is open.
func (b *browser) types(name, value string) {
	b.t.Helper()
	b.do("type "+name, chromedp.SendKeys(fmt.Sprintf(`details[open] [name=%q]`, name), value, chromedp.ByQuery, chromedp.NodeVisible))
}

func (b *browser) isHeld(at string) {
	b.t.Helper()
	b.open(at)
	b.click("Legal hold …")
	b.types("why", "case 12 O 345/26")
	b.click("Put beta-bakery on hold")
	b.await("nothing of it is deleted until that is lifted")
	b.await("a legal hold stands since")
	b.holds("a decommission is not offered", `!document.body.innerText.includes("Decommission …")`)
	b.shoot("held")
	b.click("Lift the legal hold …")
	b.types("why", "the court has decided")
	b.click("Lift the hold of beta-bakery")
	b.await("The legal hold is lifted")
}

func (b *browser) isExported(at string) {
	b.t.Helper()
	b.open(at)
	b.await("None was made yet.")
	b.click("Export beta-bakery")
	b.await("It is being exported")
	b.await("verified")
	b.holds("its manifest is told", `/^[0-9a-f]{64}$/.test(document.querySelector("#exports .sum code").innerText)`)
}

func (b *browser) isDecommissioned(at string) {
	b.t.Helper()
	b.open(at)
	b.click("Show what its end would be")
	b.await("What becomes of each resource")
	b.shoot("plan")
	b.narrow(at, "360-plan")
	b.open(at)
	b.click("Decommission …")
	b.types("reason", "the contract ends")
	b.types("sure", "another")
	b.click("Decommission beta-bakery")
	b.await("type beta-bakery to confirm it")
	b.holds("the reason is kept", `document.querySelector("details[open] [name=reason]").value === "the contract ends"`)
	b.types("sure", "beta-bakery")
	b.click("Decommission beta-bakery")
	b.await("Its end begins with a first export")
	b.await("the instance is suspended, and its final export made and verified")
	b.await("Cancel its end …")
	b.shoot("in-notice")
	b.narrow(at, "360-in-notice")
}

// narrow shows a page in a narrow window, all of it open, and goes through it by Tab.
func (b *browser) narrow(at, name string) {
	b.t.Helper()
	b.window(360, 740, false)
	b.open(at)
	b.do("open all of it", chromedp.WaitReady("main", chromedp.ByQuery), chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => { d.open = true })`, nil))
	b.shoot(name)
	b.tabs(name)
	b.window(1100, 900, false)
}

// isKept takes the decommission back; lists tell the stage before.
func (b *browser) isKept(at, base string) {
	b.t.Helper()
	b.open(base + "/console/instances?stage=notice")
	b.await("in 30 days")
	b.shoot("instances-in-notice")
	b.open(at)
	b.click("Cancel its end …")
	b.click("Keep beta-bakery")
	b.await("It is not decommissioned any more.")
	b.await("withdrawn")
	b.open(base + "/console/instances?stage=notice")
	b.await("There is none.")
}
