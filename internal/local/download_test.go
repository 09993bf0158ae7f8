package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/view"
)

// downloading is a system that serves, and an export of the instance that it has.
type downloading struct {
	*served
	t      *testing.T
	client client
	id     string
	export view.Export
}

// exporting serves a system with an instance that is exported.
func exporting(t *testing.T, speed float64) *downloading {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	o := serveOptions{address: "127.0.0.1:0", dir: dir, speed: speed}
	s, err := openServed(o, terminal{in: strings.NewReader(""), out: io.Discard, err: &bytes.Buffer{}, getenv: os.Getenv}, newInterrupts())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.close(), postgres.Remove(filepath.Join(dir, "postgres"))); err != nil {
			t.Error(err)
		}
	})
	s.run(o)
	d := &downloading{served: s, t: t, client: client{base: s.system.url, clock: s.system.clock, credentials: s.system.credentials}}
	body, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.client.signup(t.Context(), "msg_1", body)
	if err == nil {
		d.id = p.ID
		_, err = d.client.approve(t.Context(), p.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.wait("is live", func() bool {
		p, err := d.client.status(t.Context(), d.client.base+"/signups/"+d.id)
		return err == nil && p.URL != ""
	})
	d.wait("is at rest", func() bool {
		d.export, err = d.client.export(t.Context(), d.id)
		return err == nil
	})
	return d
}

// wait waits, a minute at most, until something is so.
func (d *downloading) wait(what string, so func() bool) {
	d.t.Helper()
	c := clock.System()
	for range 600 {
		if so() {
			return
		}
		if err := c.Sleep(d.t.Context(), 100*time.Millisecond); err != nil {
			d.t.Fatal(err)
		}
	}
	d.t.Fatalf("it never %s", what)
}

// mailed waits for a message, and gives what of its text matches.
func (d *downloading) mailed(message, pattern string) (found string) {
	d.t.Helper()
	d.wait("mailed "+message, func() bool {
		for _, m := range d.system.world.Vendors.SendGrid.Sent() {
			if m.CustomArgs["message_id"] == d.id+"/"+message {
				found = regexp.MustCompile(pattern).FindString(m.Text)
			}
		}
		return found != ""
	})
	return found
}

func (d *downloading) link() string {
	d.t.Helper()
	return d.mailed(fleet.ExportReady(d.export.ID), `http://\S+/downloads/\S+`)
}

func (d *downloading) code(n int) string {
	d.t.Helper()
	return d.mailed(fleet.CodeMessage(d.export.ID, n), `(?m)^[0-9]{8}$`)
}

// wantFile downloads by a link alone and compares the file with its checksum.
func (d *downloading) wantFile(link, sha string) {
	d.t.Helper()
	answer, err := http.Get(link)
	if err != nil {
		d.t.Fatal(err)
	}
	content, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		d.t.Fatal(err)
	}
	if sum := sha256.Sum256(content); answer.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != sha {
		d.t.Errorf("%d, %d bytes, SHA-256 %x, want %s", answer.StatusCode, len(content), sum, sha)
	}
}

// TestDownloadFromServe: by the link of the mail and the code of another one the files of an instance's real database come, whole.
func TestDownloadFromServe(t *testing.T) {
	t.Parallel()
	d := exporting(t, 25)
	page := d.link()
	send := func(form url.Values) string {
		t.Helper()
		answer, err := http.PostForm(page, form)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %s, %v", answer.StatusCode, body, err)
		}
		return string(body)
	}
	send(url.Values{"do": {"ask"}})
	files := send(url.Values{"do": {"open"}, "code": {d.code(1)}})
	links := regexp.MustCompile(`href="([^"]+)"[^>]*>([^<]+)<`).FindAllStringSubmatch(files, -1)
	if len(links) != d.export.Files {
		t.Fatalf("%d links to %d files: %s", len(links), d.export.Files, files)
	}
	sums := map[string]string{fleet.ManifestName: d.export.Manifest}
	for _, f := range d.export.Content {
		sums[f.Name] = f.SHA256
	}
	for _, link := range links {
		d.wantFile(html.UnescapeString(link[1]), sums[html.UnescapeString(link[2])])
	}
}
