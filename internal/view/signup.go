package view

import (
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// SignupStatus is the answer to GET /signups/{id}, and to an approval or a rejection. No personal data.
type SignupStatus struct {
	ID     string             `json:"id"`
	Slug   string             `json:"slug"`
	Status fleet.SignupStatus `json:"status"`
	// Reason is why it was rejected, or that setting it up failed, NextAction what happens or has to happen now; empty for one that is
	// complete.
	Reason     string `json:"reason,omitempty"`
	NextAction string `json:"next_action,omitempty"`
	// Place is how many provisionings begin before an approved one, plus one.
	Place int `json:"place,omitempty"`
	// Deadline is when a signup that nobody decides on expires, and until when a provisioning ends; zero while only a free slot is waited for.
	Deadline time.Time `json:"deadline,omitzero"`
	// State is the instance's while it is set up, or taken down, URL where it is once it is up.
	State fleet.State `json:"state,omitempty"`
	URL   string      `json:"url,omitempty"`
}

// MaxSignups is how many signups one answer of GET /signups holds at most.
const MaxSignups = 100

// Signups is the answer to GET /signups?status=REQUESTED, for operators: those that wait in their order, others newest first.
type Signups struct {
	Signups []SignupRow `json:"signups"`
	// Total counts all of that status; where it is more than MaxSignups, those after it are left out.
	Total int `json:"total"`
}

// SignupRow is a signup with the person who wants it. It is the one document with an applicant's data: it goes to operators, who have
// to decide by it, and into no log.
type SignupRow struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	// Applicant is nil where it can't be opened any more.
	Applicant  *fleet.Applicant   `json:"applicant,omitempty"`
	Plan       string             `json:"plan"`
	Tier       string             `json:"tier,omitempty"`
	Vertical   string             `json:"vertical,omitempty"`
	Region     string             `json:"region"`
	Timezone   string             `json:"timezone"`
	Locale     string             `json:"locale"`
	Status     fleet.SignupStatus `json:"status"`
	Reason     string             `json:"reason,omitempty"`
	NextAction string             `json:"next_action"`
	// Place is an approved one's in the queue, from 1.
	Place       int       `json:"place,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
	DecidedBy   string    `json:"decided_by,omitempty"`
}
