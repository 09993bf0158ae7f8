package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// folder is the --data of "serve".
type folder string

// Decode takes the flag with and without a folder: --local, --local=DIR.
func (f *folder) Decode(ctx *kong.DecodeContext) error {
	*f = ".data"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		return ctx.Scan.PopValueInto("DIR", (*string)(f))
	}
	return nil
}

// IsBool says that the flag may stand alone.
func (*folder) IsBool() bool { return true }

// target is where the API is, and how a request proves who sends it.
type target struct {
	base *url.URL
	// local is the folder of the "serve" that is meant; empty for any other API.
	local folder
	by    credentials
}

// target finds out where to and as whom, by the flags and the environment.
func (c *call) target() (target, error) {
	if c.flags.Local != "" {
		if c.flags.TokenFile != "" || c.flags.Profile != "" || c.flags.Region != "" {
			return target{}, wrong("--local takes address and token from the folder: leave the flags for others out")
		}
		return c.flags.Local.target()
	}
	if c.flags.API == "" {
		return target{}, wrong("which API? Name it by --api URL or FLEETCTL_API, or say --local for \"make serve\" on this machine")
	}
	base, err := baseURL(c.flags.API)
	if err != nil {
		return target{}, err
	}
	token, source := os.Getenv("FLEETCTL_TOKEN"), "FLEETCTL_TOKEN"
	if file := c.flags.TokenFile; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return target{}, fmt.Errorf("--token-file: %w", err)
		}
		token, source = strings.TrimSpace(string(text)), file
		if token == "" {
			return target{}, fmt.Errorf("--token-file: %s is empty", file)
		}
	}
	if token != "" {
		return target{base: base, by: bearer{token, source}}, nil
	}
	return target{base: base, by: &signed{profile: c.flags.Profile, region: c.flags.Region, host: base.Hostname(), now: c.clock.Now}}, nil
}

// baseURL reads an API's address. Credentials cross no network in the clear.
func baseURL(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.User != nil {
		return nil, wrong("--api: %q is no address such as https://abc123.execute-api.eu-central-1.amazonaws.com", text)
	}
	if ip := net.ParseIP(base.Hostname()); base.Scheme == "http" && base.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, wrong("--api: only on this machine may it be http; use https")
	}
	return base, nil
}

// target reads what "serve" leaves in its folder: where it listens, and the operator's token.
func (f folder) target() (target, error) {
	var front struct {
		URL string `json:"url"`
	}
	if err := f.read("front.json", &front); err != nil {
		return target{}, err
	}
	base, err := url.Parse(front.URL)
	if err != nil || base.Host == "" {
		return target{}, fmt.Errorf("%s names no address", f.file("front.json"))
	}
	var kept struct {
		Token string `json:"operator-token"`
	}
	if err := f.read("credentials.json", &kept); err != nil {
		return target{}, err
	}
	return target{base: base, local: f, by: bearer{kept.Token, f.file("credentials.json")}}, nil
}

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

func (f folder) read(name string, into any) error {
	text, err := os.ReadFile(f.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nothing serves from %s: start it by \"make serve\", or name its --data by --local=DIR", f)
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s can't be read: %w", f.file(name), err)
	}
	return nil
}
