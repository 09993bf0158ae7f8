package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/step"
)

// console is a browser that has signed in.
func console(t *testing.T, c client) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	wantPage(t, browser, c.base+"/console/sign-in?"+url.Values{"token": {c.credentials[step.OperatorToken]}}.Encode(), "Overview")
	return browser
}

func wantPage(t *testing.T, browser *http.Client, at, words string) {
	t.Helper()
	answer, err := browser.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), words) {
		t.Errorf("%d %v: %q is not in %s", answer.StatusCode, err, words, text)
	}
}

// follow opens a stream and reads it, as a page that is left open does. The channel tells why it ended.
func follow(t *testing.T, browser *http.Client, at string) <-chan error {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, "GET", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, answer.Body)
		ended <- errors.Join(err, answer.Body.Close())
	}()
	return ended
}
