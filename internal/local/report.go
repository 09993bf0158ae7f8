package main

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/sim"
)

// outcome is how a play ended.
type outcome string

const (
	outcomeActive     outcome = "active"     // the instance is ACTIVE, its page and its health endpoint answer
	outcomeUnhealthy  outcome = "unhealthy"  // it is ACTIVE, but they don't
	outcomeClean      outcome = "clean"      // it failed, and nothing is left at any vendor
	outcomeDirty      outcome = "dirty"      // it failed, and something is or may be left
	outcomeRejected   outcome = "rejected"   // the operator rejected the signup
	outcomeSuspended  outcome = "suspended"  // the instance is SUSPENDED
	outcomeTerminated outcome = "terminated" // its life is over, with a certificate, and nothing is left at any vendor
	outcomeUnfinished outcome = "unfinished" // none of these
)

// report is all there is to say of a play. It is the JSON document: no secrets, no personal data.
type report struct {
	Outcome outcome `json:"outcome"`
	// Interrupted: a person asked to stop.
	Interrupted bool             `json:"interrupted"`
	Signup      signupReport     `json:"signup"`
	Instance    *instanceReport  `json:"instance"`
	Operation   *fleet.Operation `json:"operation"`
	Resources   []resourceReport `json:"resources"`
	Messages    []fleet.Message  `json:"messages"`
	Incidents   []fleet.Incident `json:"incidents"`
	Path        []stayReport     `json:"path"`
	Transitions int64            `json:"transitions"`
	// Wall is how long it took from the admission to ACTIVE, or to the operation's end, in the vendors' time; nil where no
	// operation began or ended. Critical is what the vendors alone take; nil unless the instance became ACTIVE.
	Wall     *float64 `json:"wall_seconds"`
	Critical *float64 `json:"critical_path_seconds"`
	// Elapsed is the machine's time, start and end of all parts included.
	Elapsed float64 `json:"elapsed_seconds"`
	Seed    uint64  `json:"seed"`
	Speed   float64 `json:"speed"`
	// Life is there where the play goes on after ACTIVE.
	Life *lifeReport `json:"life,omitempty"`
}

// signupReport is a signup without the applicant.
type signupReport struct {
	ID          string             `json:"id"`
	Slug        string             `json:"slug"`
	Plan        string             `json:"plan"`
	Region      string             `json:"region"`
	Status      fleet.SignupStatus `json:"status"`
	Reason      string             `json:"reason,omitempty"`
	StatusURL   string             `json:"status_url"`
	RequestedAt time.Time          `json:"requested_at"`
	DecidedAt   time.Time          `json:"decided_at,omitzero"`
	// Quarantined: the slug isn't free yet, for something of the instance may still turn up.
	Quarantined bool `json:"slug_quarantined"`
}

type instanceReport struct {
	fleet.Instance
	URL string `json:"url"`
	// Page and Health are what the public edge answered; nil unless the instance is ACTIVE.
	Page   *pageReport   `json:"page,omitempty"`
	Health *healthReport `json:"health,omitempty"`
}

type pageReport struct {
	Status int `json:"status"`
	Bytes  int `json:"bytes"`
}

type healthReport struct {
	Status     string `json:"status"`
	InstanceID string `json:"instance_id"`
	Supabase   string `json:"supabase"`
	Database   string `json:"database"`
	Auth       string `json:"auth"`
	Version    string `json:"version"`
}

// resourceReport is a ledger entry beside what its vendor's simulator holds under that name.
type resourceReport struct {
	Kind   fleet.Kind           `json:"kind"`
	Name   string               `json:"name"`
	ID     string               `json:"id,omitempty"`
	Status fleet.ResourceStatus `json:"status"` // empty for what the ledger doesn't know
	// Inside is the kind of resource it lives in and vanishes with.
	Inside    fleet.Kind `json:"inside,omitempty"`
	Unknown   bool       `json:"unknown,omitempty"`
	RecheckAt time.Time  `json:"recheck_at,omitzero"`
	CreatedAt time.Time  `json:"created_at,omitzero"`
	RemovedAt time.Time  `json:"removed_at,omitzero"`
	Held      []sim.Held `json:"held"`
}

// stayReport is a stay in a state.
type stayReport struct {
	Execution string           `json:"execution"`
	State     string           `json:"state"`
	Type      string           `json:"type"`
	Start     time.Time        `json:"start"`
	End       time.Time        `json:"end,omitzero"`
	Attempts  int64            `json:"attempts"`
	Errors    []string         `json:"errors,omitempty"`
	Outcome   asl.VisitOutcome `json:"outcome,omitempty"`
	Calls     []callReport     `json:"calls,omitempty"`
}

type callReport struct {
	Call   string    `json:"call"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Status int       `json:"status,omitempty"` // none without an answer
	Fault  sim.Kind  `json:"fault,omitempty"`  // the scripted one
}

// exitCode is what the program ends with.
func (r report) exitCode(o demoOptions) int {
	switch {
	case r.Interrupted:
		return exitFailed
	case o.until == untilSuspended, o.until == untilTerminated:
		if r.Outcome == outcome(o.until) {
			return exitDone
		}
	case r.Outcome == outcomeActive && !o.reject,
		r.Outcome == outcomeClean && len(o.rules) > 0,
		r.Outcome == outcomeRejected && o.reject:
		return exitDone
	}
	return exitFailed
}

// report gathers what there is to say of a play that has ended.
func (p *play) report(ctx context.Context) (report, error) {
	records := p.system.world.Store
	r := report{Interrupted: p.stop.asked(), Seed: p.options.seed, Speed: p.options.speed,
		Resources: []resourceReport{}, Messages: []fleet.Message{}, Incidents: []fleet.Incident{}, Path: []stayReport{}}
	signup, err := records.Signup(ctx, p.id())
	if err != nil || signup == nil {
		return r, err
	}
	claim, err := records.Claim(ctx, signup.Slug)
	if err != nil {
		return r, err
	}
	r.Signup = signupReport{ID: signup.InstanceID, Slug: signup.Slug, Plan: signup.Plan, Region: signup.Region, Status: signup.Status,
		Reason: signup.Reason, StatusURL: p.system.url + "/signups/" + signup.InstanceID, RequestedAt: signup.RequestedAt,
		DecidedAt: signup.DecidedAt, Quarantined: claim != nil && claim.Quarantined}
	if err := p.reportInstance(ctx, &r); err != nil {
		return r, err
	}
	if err := p.reportLife(ctx, &r); err != nil {
		return r, err
	}
	r.Path, r.Transitions = p.path()
	r.Outcome = judge(r)
	if r.Critical = p.life.critical; r.Critical == nil && r.Instance != nil && !r.Instance.ActivatedAt.IsZero() {
		critical, err := p.criticalPath(r)
		if err != nil {
			return r, err
		}
		r.Critical = inSeconds(critical)
	}
	return r, nil
}

func (p *play) reportInstance(ctx context.Context, r *report) error {
	records := p.system.world.Store
	i, err := records.Instance(ctx, p.id())
	if err != nil || i == nil {
		return err
	}
	r.Instance = &instanceReport{Instance: *i, URL: "https://" + i.Host}
	if i.State == fleet.Active {
		p.look(ctx, r.Instance)
	}
	if r.Operation, err = records.Operation(ctx, p.id(), fleet.ProvisionID(p.id())); err != nil {
		return err
	}
	if r.Operation != nil {
		r.Wall = wall(*i, *r.Operation)
	}
	if messages, err := records.Messages(ctx, p.id()); err != nil {
		return err
	} else if messages != nil {
		r.Messages = messages
	}
	if incidents, err := records.Incidents(ctx, p.id()); err != nil {
		return err
	} else if incidents != nil {
		r.Incidents = incidents
	}
	entries, err := records.Resources(ctx, p.id())
	if err != nil {
		return err
	}
	r.Resources = beside(entries, p.system.world.Vendors.Inventory())
	return nil
}

// look fetches page and health as the public does: by name, through TLS. What doesn't answer stays nil.
func (p *play) look(ctx context.Context, i *instanceReport) {
	public := edge.New(provider.Config{Endpoints: p.system.world.Endpoints, Clock: p.system.clock})
	if status, body, err := public.Page(ctx, i.Host, "/"); err == nil {
		i.Page = &pageReport{Status: status, Bytes: len(body)}
	}
	if h, err := public.Health(ctx, i.Host); err == nil {
		said := healthReport(h)
		i.Health = &said
	}
}

func wall(i fleet.Instance, o fleet.Operation) *float64 {
	switch {
	case !i.ActivatedAt.IsZero():
		return inSeconds(i.ActivatedAt.Sub(o.StartedAt))
	case !o.EndedAt.IsZero():
		return inSeconds(o.EndedAt.Sub(o.StartedAt))
	}
	return nil
}

func inSeconds(d time.Duration) *float64 {
	s := float64(d.Milliseconds()) / 1000
	return &s
}

// judge says how it ended.
func judge(r report) outcome {
	i := r.Instance
	switch {
	case r.Signup.Status == fleet.Rejected:
		return outcomeRejected
	case i != nil && i.State == fleet.Active:
		if i.Page != nil && i.Page.Status == 200 && i.Health != nil && i.Health.Status == edge.Healthy && i.Health.InstanceID == i.ID {
			return outcomeActive
		}
		return outcomeUnhealthy
	case i != nil && !i.ActivatedAt.IsZero():
		return judgeLife(r)
	case r.Operation == nil:
		return outcomeUnfinished
	case r.Operation.Outcome == fleet.FailedDirty:
		return outcomeDirty
	case r.Operation.Outcome == fleet.FailedClean:
		if len(r.left()) > 0 { // the ledger is wrong then
			return outcomeDirty
		}
		return outcomeClean
	}
	return outcomeUnfinished
}

// judgeLife says how it ended with an instance that was ACTIVE, and isn't.
func judgeLife(r report) outcome {
	switch {
	case r.Instance.State == fleet.Suspended:
		return outcomeSuspended
	case r.proved():
		return outcomeTerminated
	case len(r.left()) > 0:
		return outcomeDirty
	}
	return outcomeUnfinished
}

// left is what the vendors still hold, or may hold.
func (r report) left() []resourceReport {
	var left []resourceReport
	for _, e := range r.Resources {
		if e.isLeft() {
			left = append(left, e)
		}
	}
	return left
}

// isLeft reports whether the vendor still holds it, or may.
func (e resourceReport) isLeft() bool {
	return len(e.Held) > 0 || e.Status != fleet.Removed && e.Status != fleet.Absent
}

// beside puts each ledger entry beside what its vendor holds of that kind and name, and adds what the ledger doesn't know.
func beside(entries []fleet.Resource, inventory []sim.Held) []resourceReport {
	resources := []resourceReport{}
	inside := fleet.Inside()
	known := map[[2]string]bool{}
	of := func(kind, name string) []sim.Held {
		held := []sim.Held{}
		for _, h := range inventory {
			if h.Kind == kind && h.Name == name {
				held = append(held, h)
			}
		}
		return held
	}
	for _, e := range entries {
		known[[2]string{string(e.Kind), e.Name}] = true
		kind := e.Kind
		if kind == fleet.DNSProxy { // a property of the record
			kind = fleet.DNSRecord
		}
		resources = append(resources, resourceReport{Kind: e.Kind, Name: e.Name, ID: e.ID, Status: e.Status, Inside: inside[e.Kind],
			Unknown: e.Unknown, RecheckAt: e.RecheckAt, CreatedAt: e.CreatedAt, RemovedAt: e.RemovedAt, Held: of(string(kind), e.Name)})
	}
	for _, h := range inventory {
		if key := [2]string{h.Kind, h.Name}; !known[key] {
			known[key] = true
			resources = append(resources, resourceReport{Kind: fleet.Kind(h.Kind), Name: h.Name, Held: of(h.Kind, h.Name)})
		}
	}
	return resources
}

// path is what the executions went through, in the order of entering, and the number of their transitions.
func (p *play) path() (path []stayReport, transitions int64) {
	path = []stayReport{}
	for _, x := range p.system.world.Executions.ListExecutions() {
		transitions += x.Transitions
		visits, err := p.system.world.Executions.Visits(x.ARN)
		if err != nil {
			continue // it was listed just now
		}
		for _, v := range visits {
			path = append(path, stayReport{Execution: x.Name, State: v.State, Type: v.Type, Start: v.Entered, End: v.Left,
				Attempts: v.Attempts, Errors: v.Errors, Outcome: v.Outcome, Calls: reported(p.watch.of(x.Name, v.State))})
		}
	}
	return path, transitions
}

func reported(calls []sim.Call) []callReport {
	out := make([]callReport, 0, len(calls))
	for _, c := range calls {
		out = append(out, callReport{Call: c.Vendor + "." + c.Operation, Start: c.Start, End: c.End, Status: c.Status, Fault: c.Fault})
	}
	slices.SortStableFunc(out, func(a, b callReport) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Call, b.Call)) })
	return out
}

// document is the report as JSON.
func (r report) document() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}
