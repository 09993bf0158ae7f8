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
	// Reason is why it was rejected or has failed, NextAction what happens or has to happen now.
	Reason     string `json:"reason,omitempty"`
	NextAction string `json:"next_action"`
	// Deadline is when a signup that nobody decides on expires.
	Deadline time.Time `json:"deadline,omitzero"`
	// Place is how many provisionings begin before an approved one, plus one.
	Place int `json:"place,omitempty"`
	// State and URL are the instance's, once there is one.
	State fleet.State `json:"state,omitempty"`
	URL   string      `json:"url,omitempty"`
}
