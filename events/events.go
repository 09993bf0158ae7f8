// Package events holds sample inputs: a signup, and a small built frontend as sample release. The README, the tests and the
// demo use these very files.
package events

import (
	"embed"
	"io/fs"
)

//go:embed signup.json all:release all:site
var files embed.FS

// Signup is the sample signup webhook's payload.
func Signup() ([]byte, error) { return files.ReadFile("signup.json") }

// SiteHost is the host of the sample customer's own site, which has its logo at /logo.png and its favicon at /favicon.ico.
const SiteHost = "www.acme-dental.example"

// Site is what that site serves.
func Site() (fs.FS, error) { return fs.Sub(files, "site") }

// Release is the sample release: what "vite build" leaves.
func Release() (fs.FS, error) { return fs.Sub(files, "release") }
