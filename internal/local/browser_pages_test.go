//go:build browser

package main

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// stops are what Tab goes to on a page, in its order, for scripts.
const stops = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
	.filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled)`

// stop is where Tab has gone to.
type stop struct {
	// At is its place among the stops, -1 for none of them; What it is.
	At   int    `json:"at"`
	What string `json:"what"`
	// Marked says that it can be seen to have the focus, Shown that it is within the window.
	Marked bool `json:"marked"`
	Shown  bool `json:"shown"`
}

const stopped = `(() => {
	const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect(), box = e.querySelector(":scope > rect");
	return { at: ` + stops + `.indexOf(e), what: e.outerHTML.slice(0, 120),
		marked: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || !!box && parseFloat(getComputedStyle(box).strokeWidth) >= 4,
		shown: r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth };
})()`

// everyPage judges every page in a window of 360 pixels, all that can be opened on it open: nothing makes the page wider, and all that can be
// done on it is reached by Tab, from above to below, and seen to be.
func (b *browser) everyPage(base, welcome string) {
	b.t.Helper()
	b.window(360, 740, false)
	asked, instance := b.listed(base+"/console/instances", "beta-bakery"), b.listed(base+"/console/instances", "acme-dental")
	execution := b.listed(base+"/console/executions", "provision op-")
	for _, page := range []struct{ name, url string }{
		{"form", base + "/"}, {"welcome", welcome}, {"sign-in", base + "/console/sign-in"},
		{"overview", base + "/console"},
		{"signups", base + "/console/signups"}, {"signups-completed", base + "/console/signups?status=COMPLETED"},
		{"instances", base + "/console/instances"}, {"instances-none", base + "/console/instances?state=MAINTENANCE"}, {"instance", instance}, {"instance-asked", asked},
		{"executions", base + "/console/executions"}, {"executions-none", base + "/console/executions?status=ABORTED&workflow=teardown&instance=none"},
		{"execution", execution}, {"execution-state", execution + "?state=CreateProject"}, {"execution-frame", execution + "?state=CreateResources"},
		{"source", base + "/console/source/create-project"},
		{"incidents", base + "/console/incidents"}, {"trouble", base + noPage},
	} {
		b.open(page.url)
		b.do("open all of it", chromedp.WaitReady("main", chromedp.ByQuery), chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => { d.open = true })`, nil))
		b.shoot("360-" + page.name)
		b.tabs(page.name)
	}
	b.window(1100, 900, false)
}

// listed is where the entry of a list leads that has the words.
func (b *browser) listed(list, words string) (at string) {
	b.t.Helper()
	b.open(list)
	b.do("find "+words, chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll("main td a")].find(a => a.textContent.includes(%q)).href`, words), &at))
	return at
}

// tabs walks through a page.
func (b *browser) tabs(page string) {
	b.t.Helper()
	var count int
	b.do("count "+page, chromedp.Evaluate(stops+".length", &count))
	if count < 2 {
		b.t.Errorf("%s: nothing to do", page)
	}
	for n := range count {
		var at stop
		b.do("Tab", chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(stopped, &at))
		if at.At != n || !at.Marked || !at.Shown {
			b.t.Errorf("%s: Tab number %d of %d goes to %d, marked %t, shown %t: %s", page, n+1, count, at.At+1, at.Marked, at.Shown, at.What)
			return
		}
	}
}

// signsOut ends the session while a page is open, which says so.
func (b *browser) signsOut(base string) {
	b.t.Helper()
	b.open(base + "/console")
	b.do("sign out elsewhere", chromedp.Evaluate(`fetch("/console/sign-out", { method: "POST", redirect: "manual" }), true`, nil))
	b.await("You are signed out")
	b.click("Sign in")
	b.await("Operator's token")
	if at := b.location(); !strings.HasSuffix(at, "/console/sign-in") {
		b.t.Errorf("signing in again is at %s", at)
	}
}
