package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/sim/twilio"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/suspended"
)

// Databases is what stands behind the Supabase simulator.
type Databases = supabase.Databases

// Latency is how fast the vendors are. Zero fields stand for the simulators' own, realistic ones.
type Latency struct {
	// Answer is how long an ordinary call takes, at most; Lag how late lists show what is new.
	Answer, Lag time.Duration
	// The vendors' slow work.
	ProjectMin, ProjectMax, Healthy, Going time.Duration
	Deploy, Certificate                    vercel.Span
}

// Names of the simulated world.
const (
	Domain       = "gimbal.app"
	organization = "gimbal-org"
	team         = "team_gimbalfleetsim0000000001"
	zone         = "0123456789abcdef0123456789abcdef"
	parent       = "AC00000000000000000000000000000001"
	sender       = "hello@gimbal.app"
	operators    = "operators@gimbal.app"
	address      = "192.0.2.10"
	// suspendedHost shows the page of suspended instances.
	suspendedHost = "suspended." + Domain
)

// What the simulated vendors allow. Of projects they allow any number.
const (
	records  = 3500
	rules    = 1000
	subusers = 100000
	// perMinute is how many calls of Supabase's Management API are answered in a minute.
	perMinute = 120
)

// Quotas are what the simulated vendors allow, by the names of step.Quotas.
func Quotas() map[string]int {
	return map[string]int{step.DNSRecords: records, step.RateLimitRules: rules, step.TwilioSubaccounts: twilio.DefaultMaxAccounts, step.SendGridSubusers: subusers}
}

// Vendors are the simulators, and the public edge.
type Vendors struct {
	Supabase   *supabase.Sim
	Vercel     *vercel.Sim
	Cloudflare *cloudflare.Sim
	Twilio     *twilio.Sim
	SendGrid   *sendgrid.Sim
	Edge       *edge.Edge

	link    *sim.Link
	serve   func(sim.Vendor) http.Handler // in place of the vendor itself, on its port; nil for none
	servers []*http.Server
}

// All lists the simulators.
func (v Vendors) All() []sim.Vendor {
	return []sim.Vendor{v.Supabase, v.Vercel, v.Cloudflare, v.Twilio, v.SendGrid}
}

// Calls names every call that a fault script may name, as "vendor.Operation", sorted.
func (v Vendors) Calls() []string {
	var calls []string
	for _, vendor := range v.All() {
		if named, ok := vendor.(interface{ Operations() []string }); ok {
			for _, operation := range named.Operations() {
				calls = append(calls, vendor.Name()+"."+operation)
			}
		}
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// Inventory lists everything that any vendor holds.
func (v Vendors) Inventory() []sim.Held {
	var held []sim.Held
	for _, vendor := range v.All() {
		held = append(held, vendor.Inventory()...)
	}
	return held
}

func (w *World) openVendors() error {
	o := w.options
	base := func(n uint64) sim.Options {
		return sim.Options{Clock: o.Clock, Seed: o.Seed*8 + n, Lag: o.Latency.Lag, Answer: o.Latency.Answer}
	}
	v := &w.Vendors
	v.Cloudflare = cloudflare.New(base(1), cloudflare.Config{Token: o.Credentials[provider.CloudflareToken], Zone: zone, Domain: Domain, Records: cmp.Or(o.Records, records), Rules: cmp.Or(o.RateLimitRules, rules), Calls: o.Limits["cloudflare"]})
	v.Supabase = supabase.New(base(2), supabase.Settings{Token: o.Credentials[provider.SupabaseToken], Organization: organization, PerMinute: max(perMinute, o.Limits["supabase"]),
		ReadyMin: o.Latency.ProjectMin, ReadyMax: o.Latency.ProjectMax, Healthy: o.Latency.Healthy, Going: o.Latency.Going, Databases: o.Databases})
	v.Vercel = vercel.New(base(3), vercel.Config{Token: o.Credentials[provider.VercelToken], Team: team, Resolver: v.Cloudflare, Serial: v.Cloudflare.Serial,
		Deploy: o.Latency.Deploy, Certificate: o.Latency.Certificate})
	v.Twilio = twilio.New(base(4), parent, o.Credentials[provider.TwilioToken])
	v.SendGrid = sendgrid.New(base(5), sendgrid.Config{Key: o.Credentials[provider.SendGridKey], IPs: []string{address},
		Senders: []string{sender}, DNS: v.Cloudflare, Subusers: subusers, Calls: 1 << 30})
	apis := &sim.Link{Clock: o.Clock, Script: sim.NewScript()}
	var err error
	if v.Edge, err = edge.New(o.Clock, v.Cloudflare, v.Vercel, apis); err != nil {
		return err
	}
	v.Edge.Page(suspendedHost, suspended.Handler())
	if err := publishSite(v.Edge); err != nil {
		return err
	}
	v.link = &sim.Link{Clock: o.Clock, Script: o.Script, Observe: w.observed, Settled: func(changed sim.Vendor) {
		v.Vercel.CheckDNS()
		if o.Hooks.OnSettled != nil {
			o.Hooks.OnSettled(changed)
		}
	}}
	if err := w.connect(v, apis); err != nil {
		return errors.Join(err, v.close())
	}
	return nil
}

func (w *World) observed(ctx context.Context, c sim.Call) {
	if w.options.Hooks.OnCall == nil {
		return
	}
	place, _ := asl.PlaceOf(ctx)
	w.options.Hooks.OnCall(place, c)
}

// connect gives each simulator its address: a name that only the link knows, or a port of loopback.
func (w *World) connect(v *Vendors, apis *sim.Link) error {
	e := provider.Endpoints{SupabaseDatabase: w.options.DatabaseURL, Edge: provider.Edge{Dial: v.Edge.Dial, Outside: v.Edge.Outside, Roots: v.Edge.Roots()}}
	at := func(vendor sim.Vendor) (string, http.RoundTripper, error) {
		if !w.options.Ports {
			return "https://api." + vendor.Name() + ".test", nil, nil
		}
		return v.listen(vendor, cmp.Or(w.options.Listen[vendor.Name()], "127.0.0.1:0"))
	}
	for _, place := range []struct {
		vendor sim.Vendor
		url    *string
	}{{v.Supabase, &e.Supabase}, {v.Vercel, &e.Vercel}, {v.Cloudflare, &e.Cloudflare}, {v.Twilio, &e.Twilio}, {v.SendGrid, &e.SendGrid}} {
		url, over, err := at(place.vendor)
		if err != nil {
			return err
		}
		*place.url = url
		if err := errors.Join(v.link.Add(url, place.vendor, over), apis.Add(url, place.vendor, over)); err != nil {
			return err
		}
	}
	e.Cloudflare += "/client/v4"
	e.SupabaseProject, e.TwilioMessaging = e.Supabase+"/project/{ref}", e.Twilio
	if !w.options.Ports {
		e.SupabaseProject, e.TwilioMessaging = "https://{ref}.supabase.test", "https://messaging.twilio.test"
		if err := errors.Join(v.link.Add("https://*.supabase.test", v.Supabase, nil), apis.Add("https://*.supabase.test", v.Supabase, nil),
			v.link.Add(e.TwilioMessaging, v.Twilio, nil)); err != nil {
			return err
		}
	}
	w.Endpoints = e
	return nil
}

func (v *Vendors) listen(vendor sim.Vendor, address string) (string, http.RoundTripper, error) {
	l, err := listenPatiently(address)
	if err != nil {
		return "", nil, fmt.Errorf("the simulator of %s: %w", vendor.Name(), err)
	}
	server := &http.Server{Handler: v.served(vendor), ReadHeaderTimeout: 10 * time.Second}
	v.servers = append(v.servers, server)
	go func() { _ = server.Serve(l) }() // ends with Close
	return "http://" + l.Addr().String(), &http.Transport{DisableCompression: true}, nil
}

// patience is for how long a port that is taken is tried again, in the machine's time. One that the kernel chose before may be
// in use for a moment as the near end of somebody's connection.
const patience = 3 * time.Second

func listenPatiently(address string) (net.Listener, error) {
	system := clock.System()
	ctx, cancel := system.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		l, err := net.Listen("tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) || system.Sleep(ctx, patience/30) != nil {
			return l, err
		}
	}
}

// served is what a vendor's port answers with.
func (v *Vendors) served(vendor sim.Vendor) http.Handler {
	if v.serve == nil {
		return vendor
	}
	return v.serve(vendor)
}

func (v *Vendors) close() error {
	var failed error
	for _, s := range v.servers {
		failed = errors.Join(failed, s.Close())
	}
	return failed
}

// Settings are Fleet's identifiers at the simulated vendors.
func Settings() provider.Settings {
	return provider.Settings{SupabaseOrganization: organization, VercelTeam: team, CloudflareZone: zone, Domain: Domain,
		SuspendedHost: suspendedHost, TwilioAccount: parent, SendGridIPs: []string{address}, MailFrom: sender, OperatorMail: operators}
}
