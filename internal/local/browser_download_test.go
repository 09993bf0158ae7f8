//go:build browser

package main

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestDownloadInABrowser fetches an export on a narrow phone, by keyboard alone: nothing is wider than the window, every field has a label,
// whatever has the focus shows it, and the content policy refuses nothing.
func TestDownloadInABrowser(t *testing.T) {
	d := exporting(t, browserSpeed)
	b := openBrowser(t)
	b.window(360, 740, false)
	b.open(d.link())
	b.await("Download your data")
	b.shoot("360-download")
	b.tabs("download")
	b.open(d.link())
	b.do("ask for a code", chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	b.await("on its way")
	code := d.code(1)
	b.do("mistype it", chromedp.KeyEvent("00000000"), chromedp.KeyEvent(kb.Enter)) // the field has the focus
	if code != "00000000" {
		b.await("That is not the code. Tries left: 4.")
		b.shoot("360-download-wrong")
	}
	b.do("type it", chromedp.KeyEvent(code[:4]+" "+code[4:]), chromedp.KeyEvent(kb.Enter))
	b.await("Your files")
	b.shoot("360-download-files")
	b.tabs("download-files")
	var link string
	b.do("a link", chromedp.Evaluate(`[...document.links].find(a => a.textContent == "manifest.json").href`, &link))
	d.wantFile(link, d.export.Manifest)
	b.window(1100, 900, true)
	b.open(d.link())
	b.await("acme-dental.gimbal.app")
	b.shoot("download-dark")
	b.wantQuiet()
}
