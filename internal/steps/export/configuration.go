package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
)

// configuration is the file configuration.json: how the instance is set up. It has no secrets, and no vendor's ids.
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

// Configuration writes how the instance is set up. A replay finds it written.
func Configuration(Deps) step.Func {
	return writing("configuration", func(ctx context.Context, w *work) error {
		var file export.File
		if err := w.files.recall(ctx, &file); err != nil || file.Name != "" {
			return err
		}
		text, err := json.MarshalIndent(configured(w.Instance, w.Signup), "", "  ")
		if err != nil {
			return &fault.Error{Code: fault.Internal, Text: "the configuration does not encode", Err: err}
		}
		text = append(text, '\n')
		if err := w.files.store.Put(ctx, fleet.ExportKey(w.files.folder, ConfigurationName), text); err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		return w.files.note(ctx, export.File{Name: ConfigurationName, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	})
}

func configured(i fleet.Instance, s fleet.Signup) configuration {
	most := schema.PlanLimits(s.Plan, s.Tier)
	return configuration{Instance: i.ID, Slug: i.Slug, Host: i.Host, State: i.State, Region: i.Region, Plan: s.Plan, Tier: s.Tier,
		Limits: limits{most.SMS, most.Email, most.Users}, Vertical: s.Vertical, Timezone: s.Timezone, Locale: s.Locale, Branding: s.Branding,
		CreatedAt: i.CreatedAt, ActivatedAt: i.ActivatedAt}
}
