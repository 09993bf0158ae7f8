// Package history keeps how instances are set up, and were, for a year.
package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
)

// configuration is how an instance is set up. It has no secrets, no personal data, and no vendor's ids.
type configuration struct {
	Instance    string         `json:"instance"`
	Slug        string         `json:"slug"`
	Host        string         `json:"host"`
	State       fleet.State    `json:"state"`
	Region      string         `json:"region"`
	Plan        string         `json:"plan"`
	Tier        string         `json:"tier,omitempty"`
	Limits      limits         `json:"limits"`
	Vertical    string         `json:"vertical,omitempty"`
	Timezone    string         `json:"timezone"`
	Locale      string         `json:"locale"`
	Branding    fleet.Branding `json:"branding"`
	CreatedAt   time.Time      `json:"created_at"`
	ActivatedAt time.Time      `json:"activated_at"`
}

type limits struct {
	SMS   int `json:"sms_a_month"`
	Email int `json:"emails_a_month"`
	Users int `json:"users"`
}

// Configuration is how an instance is set up, as JSON: the file configuration.json of an export, and an object of the history.
func Configuration(i fleet.Instance, s fleet.Signup) ([]byte, error) {
	most := fleet.PlanLimits(s.Plan, s.Tier)
	text, err := json.MarshalIndent(configuration{Instance: i.ID, Slug: i.Slug, Host: i.Host, State: i.State, Region: i.Region, Plan: s.Plan, Tier: s.Tier,
		Limits: limits{most.SMS, most.Email, most.Users}, Vertical: s.Vertical, Timezone: s.Timezone, Locale: s.Locale, Branding: s.Branding,
		CreatedAt: i.CreatedAt, ActivatedAt: i.ActivatedAt}, "", "  ")
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: "the configuration does not encode", Err: err}
	}
	return append(text, '\n'), nil
}

// Keep writes how an instance was set up at a time into the history, as <instance>/<time>-<beginning of its SHA-256>.json. What is there
// already stays: a replay writes nothing.
func Keep(ctx context.Context, env step.Env, instanceID string, at time.Time, text []byte) error {
	sum := sha256.Sum256(text)
	key := fmt.Sprintf("%s/%s-%s.json", instanceID, at.UTC().Format("20060102T150405Z"), hex.EncodeToString(sum[:8]))
	if err := env.History.PutOnce(ctx, key, text); err != nil && !errors.Is(err, objects.ErrExists) {
		return err
	}
	return nil
}
