//go:build browser

package main

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// watches follows the execution on the page to its end: its graph, a state that changes by itself while nothing is fetched, what is known
// of a state, and the way by keyboard.
func (b *browser) watches() {
	b.t.Helper()
	b.await("CreateEmailAccount")
	b.holds("the branches are inside their frame, every way has its arrow", `(() => {
		const place = (name) => document.querySelector("[data-state=" + name + "] rect").getBBox();
		const frame = place("CreateResources"), inside = place("AwaitMailDomain"), outside = place("VerifyHealth");
		const within = (a) => a.x >= frame.x && a.y >= frame.y && a.x + a.width <= frame.x + frame.width && a.y + a.height <= frame.y + frame.height;
		const edges = [...document.querySelectorAll(".graph .edge")];
		return within(inside) && !within(outside) && edges.length > 30 && edges.every(e => e.getTotalLength() > 0 && e.getAttribute("marker-start"));
	})()`)
	b.do("the page stays as it is", chromedp.Evaluate(`window.kept = document.querySelector(".graph"), true`, nil))
	b.do("a state becomes good by itself", chromedp.WaitReady(`.node.good[data-state="CreateFrontend"]`, chromedp.ByQuery))
	b.holds("it is the same picture, and its colour is another", `document.querySelector(".graph") === window.kept &&
		getComputedStyle(document.querySelector('[data-state="CreateFrontend"] rect')).fill !== getComputedStyle(document.querySelector('[data-state="Provisioned"] rect')).fill`)
	b.shoot("execution-running")
	b.await("SUCCEEDED")
	b.holds("its end was told to the same page", `document.querySelector(".graph") === window.kept && document.querySelectorAll(".node.busy, .node.wait").length === 0`)
	b.holds("the way that was taken is marked", `(() => {
		const way = (from, to) => document.querySelector(`+"`.edge[data-from=${from}][data-to=${to}]`"+`).classList.contains("taken");
		return way("ReserveInstance", "CreateResources") && way("EndOperation", "Provisioned") && !way("ReserveInstance", "BeginTeardown");
	})()`)
	b.window(1280, 900, true)
	b.holds("the window shows all of the picture", `(p => p.scrollWidth <= p.clientWidth)(document.querySelector(".picture"))`)
	b.shoot("execution")
	b.window(1100, 900, false)
	b.byKeyboard()
	b.do("a click shows the state", chromedp.Click(`[data-state="CreateProject"] rect`, chromedp.ByQuery))
	b.await("internal/steps/project/project.go:")
	b.await("supabase.CreateProject")
	b.await("instanceId")
	b.shoot("execution-state")
	b.click("Show the history")
	b.await("ParallelStateExited")
	b.onAPhone()
	here := b.location()
	b.click("internal/steps/project/project.go:")
	b.await("func Create(")
	b.shoot("source")
	b.open(here)
}

// holds judges a page by an expression.
func (b *browser) holds(what, expression string) {
	b.t.Helper()
	var held bool
	b.do(what, chromedp.Evaluate(expression, &held))
	if !held {
		b.t.Errorf("not so: %s", what)
	}
}

// byKeyboard walks with Tab through the states in the definition's order, and opens one with Enter.
func (b *browser) byKeyboard() {
	b.t.Helper()
	b.do("to the picture", chromedp.Focus(`.picture`, chromedp.ByQuery))
	var order []string
	for range 6 {
		var at string
		b.do("Tab", chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.dataset.state ?? document.activeElement.outerHTML`, &at))
		order = append(order, at)
	}
	if got, want := strings.Join(order, " "), "Begin ReserveInstance CreateResources CreateProject AwaitProject MigrateDatabase"; got != want {
		b.t.Errorf("Tab goes to %s", got)
	}
	b.holds("the focus is seen", `getComputedStyle(document.activeElement.querySelector("rect")).strokeWidth === "4px"`)
	b.do("Enter", chromedp.KeyEvent(kb.Enter))
	b.await("Back to the states")
	b.await("internal/steps/database/")
}

// onAPhone judges the page, with all of it open, 360 pixels wide.
func (b *browser) onAPhone() {
	b.t.Helper()
	b.window(360, 740, false)
	b.shoot("phone-execution")
	b.do("open it there", chromedp.Reload(), chromedp.WaitReady(".picture", chromedp.ByQuery))
	b.holds("the chosen state is in sight within the picture", `(() => {
		const frame = document.querySelector(".picture").getBoundingClientRect(), at = document.querySelector(".node[aria-current] rect").getBoundingClientRect();
		return at.left >= frame.left && at.right <= frame.right;
	})()`)
	b.holds("the picture moves within its place", `(p => p.scrollWidth > p.clientWidth && p.clientWidth <= 360)(document.querySelector(".picture"))`)
	b.window(1100, 900, false)
}

// filters lists the executions by status, workflow and instance.
func (b *browser) filters(list string) {
	b.t.Helper()
	b.open(list)
	b.await("1 of 1")
	for field, value := range map[string]string{"status": "FAILED", "workflow": "teardown"} {
		b.choose(field, value)
		b.click("Show")
		b.await("None of 1 is like that")
		b.click("Show all")
		b.await("1 of 1")
	}
	b.fill("instance", "no such id")
	b.do("Enter", chromedp.KeyEvent(kb.Enter))
	b.await("None of 1 is like that")
	if at := b.location(); !strings.Contains(at, "instance=no+such+id") {
		b.t.Errorf("a list that can't be linked to: %s", at)
	}
	b.open(fmt.Sprint(list, "?status=SUCCEEDED&workflow=provision"))
	b.await("1 of 1")
	b.shoot("executions")
}
