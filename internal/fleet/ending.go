package fleet

import (
	"fmt"
	"slices"
	"time"
)

// Periods are how long the parts of an end last, and what is kept after it.
type Periods struct {
	// Notice is from the word to the customer to the suspension, Grace from there to the termination.
	Notice, Grace time.Duration
}

// What outlasts an instance, and for how long: lifecycle rules enforce it.
const (
	KeepAudit         = 7 * 365 * 24 * time.Hour
	KeepBackups       = 90 * 24 * time.Hour
	KeepConfiguration = 365 * 24 * time.Hour
	// KeyRecovery is how long a destroyed data key could still be restored with its table.
	KeyRecovery = 24 * time.Hour
)

// DefaultPeriods are the contract's: 30 days' notice and 30 days' grace.
func DefaultPeriods() Periods {
	return Periods{Notice: 30 * 24 * time.Hour, Grace: 30 * 24 * time.Hour}
}

// Plan is what the end of an instance would be, or is.
type Plan struct {
	InstanceID string `json:"instance_id"`
	// Stage is empty before it was decided.
	Stage Stage `json:"stage,omitempty"`
	// Steps are in the order of their times.
	Steps []PlannedStep `json:"steps"`
	// Resources are all that the ledger holds and that is not gone, in the order of their removal.
	Resources []PlannedRemoval `json:"resources"`
	// Kept is what outlasts the instance.
	Kept []Retained `json:"kept"`
	// Obstacles are what keeps it from beginning, or from going on; empty where nothing does.
	Obstacles []string `json:"obstacles"`
}

// PlannedStep is something that happens at a time.
type PlannedStep struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	// Final: it can't be undone.
	Final bool `json:"final,omitempty"`
}

// PlannedRemoval is what happens to one entry of the ledger.
type PlannedRemoval struct {
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
	Vendor string `json:"vendor"`
	// With is the kind whose removal takes it along; empty where it is deleted by a call of its own.
	With Kind      `json:"with,omitempty"`
	At   time.Time `json:"at"` // not before
	// Final: what is in it can't be brought back.
	Final bool `json:"final,omitempty"`
}

// Retained is something that outlasts the instance.
type Retained struct {
	What  string    `json:"what"`
	Until time.Time `json:"until"`
}

// removals are the kinds that are deleted by calls of their own, in the safe order: a host name leads nowhere before what it led to is
// gone.
func removals() []Kind {
	return []Kind{CloudflareRule, DNSRecord, VercelDomain, VercelProject, SendGridWebhook, SendGridSubuser, TwilioService, TwilioSubaccount, SupabaseProject}
}

// Irreversible reports whether the deletion of what is of a kind can't be undone: it takes a customer's data along.
func Irreversible(kind Kind) bool {
	return kind == SupabaseProject || kind == TwilioSubaccount || kind == SendGridSubuser
}

// PlanEnd tells what the end of an instance would be if it were decided now, or is since it was: a function of the records alone.
func PlanEnd(i Instance, ledger []Resource, freezes []Freeze, lock UnpaidLock, p Periods, now time.Time) Plan {
	noticeEnds, graceEnds := now.Add(p.Notice), now.Add(p.Notice+p.Grace)
	plan := Plan{InstanceID: i.ID, Resources: []PlannedRemoval{}, Obstacles: Obstacles(i, freezes, lock)}
	if d := i.Decommission; d.Open() {
		plan.Stage, noticeEnds, graceEnds, now = d.Stage, d.NoticeEnds, d.GraceEnds, d.NoticeAt
	}
	plan.Steps = []PlannedStep{
		{now, "the administrator is told, with a first export; everything goes on as before", false},
		{noticeEnds, "the instance is suspended, and its final export made and verified", false},
		{graceEnds, "the instance is terminated: its resources are deleted, host name first", true},
		{graceEnds, "the audit chain is archived, the certificate issued, and the data key destroyed", true},
	}
	for _, kind := range removals() {
		plan.Resources = append(plan.Resources, planned(ledger, kind, graceEnds)...)
	}
	plan.Kept = Kept(noticeEnds, graceEnds)
	return plan
}

// planned are the entries of a kind, and after them those that go with them.
func planned(ledger []Resource, outer Kind, at time.Time) (all []PlannedRemoval) {
	var inside []PlannedRemoval
	for _, e := range ledger {
		removal := PlannedRemoval{Kind: e.Kind, Name: e.Name, ID: e.ID, Vendor: e.Kind.Vendor(), At: at, Final: Irreversible(outer)}
		switch {
		case e.Gone():
		case e.Kind == outer:
			all = append(all, removal)
		case Inside()[e.Kind] == outer && !slices.Contains(removals(), e.Kind):
			removal.With = outer
			inside = append(inside, removal)
		}
	}
	return append(all, inside...)
}

// Kept is what outlasts an instance that ends at a time, its final export made at another, and until when.
func Kept(exported, end time.Time) []Retained {
	return []Retained{
		{"audit chain and certificate", end.Add(KeepAudit)},
		{"configuration history", end.Add(KeepConfiguration)},
		{"backups", end.Add(KeepBackups)},
		{"exports", exported.Add(KeepEndExports)},
	}
}

// AcceptExport is the command by which an operator gives their word that an export suffices.
func AcceptExport(instanceID string) string {
	return "fleetctl accept-export " + instanceID + " --why TEXT"
}

// UnpaidLock says whether unpaid bills keep an instance from being decommissioned.
type UnpaidLock bool

// Obstacles are what keeps an instance's end from beginning, or from going on.
func Obstacles(i Instance, freezes []Freeze, lock UnpaidLock) []string {
	found := []string{}
	if i.Operation != "" {
		found = append(found, "operation "+i.Operation+" runs")
	}
	if i.Unfinished != "" {
		found = append(found, "operation "+i.Unfinished+" ended dirty: retry it first")
	}
	if i.Hold != nil {
		found = append(found, fmt.Sprintf("a legal hold stands since %s (%s)", i.Hold.Since.UTC().Format(time.DateOnly), i.Hold.Why))
	}
	if i.State != Active && i.State != Suspended {
		found = append(found, "the instance is "+string(i.State))
	}
	if lock && i.Suspension != nil && i.Suspension.Reason == ForPayment {
		found = append(found, "its bills are unpaid")
	}
	if e, lacks := i.Decommission.Wanting(); e != nil {
		found = append(found, lacks+": it is deleted only on an operator's word, "+AcceptExport(i.ID))
	}
	if f := Frozen(freezes, append(Vendors(), Terminations)...); f != nil {
		found = append(found, f.What()+" ("+f.Reason+")")
	}
	return found
}
