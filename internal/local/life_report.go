package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/steps/termination"
	"github.com/project-gimbal/fleet/internal/view"
)

// lifeReport is what happened to an instance after it became ACTIVE.
type lifeReport struct {
	Until goal         `json:"until"`
	Turns []turnReport `json:"turns"`
	// Missed is the turn that came to nothing, or was not waited for; empty where all came.
	Missed string       `json:"missed,omitempty"`
	Leaps  []leapReport `json:"fast_forwarded"`
	// Operations are all of the instance's, oldest first.
	Operations []fleet.Operation `json:"operations"`
	// Plan is the end as it was told before it was decided, for the last time.
	Plan *fleet.Plan `json:"plan"`
	// Export is the final one.
	Export *view.Export `json:"final_export"`
	// Certificate is as it lies in the archive, found to be what the instance's record says.
	Certificate *termination.Certificate `json:"certificate"`

	critical *float64        // the provisioning's critical path
	begun    time.Time       // the turn under way, or what came after its days
	mailed   map[string]bool // the messages that were told of
}

// turnReport is a turn that came about, and when it began; Seconds is how long it took of the vendors' time. Days that were
// fast-forwarded for it lie before that.
type turnReport struct {
	What    string    `json:"what"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
}

// leapReport is a time that was fast-forwarded, and what came then.
type leapReport struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Next string    `json:"next"`
}

// reportLife completes what the play has noted.
func (p *play) reportLife(ctx context.Context, r *report) (err error) {
	if len(p.turns()) == 0 || r.Instance == nil {
		return nil
	}
	l := p.life
	l.Until, r.Life = p.options.until, &l
	l.Turns, l.Leaps = append([]turnReport{}, l.Turns...), append([]leapReport{}, l.Leaps...)
	if l.Operations, err = p.system.world.Store.Operations(ctx, p.id()); err != nil {
		return err
	}
	slices.SortFunc(l.Operations, func(a, b fleet.Operation) int { return a.StartedAt.Compare(b.StartedAt) })
	if d := r.Instance.Decommission; d != nil && d.Certificate != nil {
		l.Certificate, err = p.certificate(ctx, *d.Certificate)
	}
	return err
}

// certificate reads a certificate from the archive, and compares its checksum.
func (p *play) certificate(ctx context.Context, c fleet.Certificate) (*termination.Certificate, error) {
	body, err := p.archive.Read(ctx, c.Key, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, errors.New("the certificate in the archive is not the one that was issued")
	}
	var certificate termination.Certificate
	return &certificate, json.Unmarshal(text, &certificate)
}

// proved reports whether an instance has ended as it should: certified, each resource that the ledger ever knew in the certificate, the
// data key destroyed, and nothing left at any vendor.
func (r report) proved() bool {
	d := r.Instance.Decommission
	return r.Instance.State == fleet.Terminated && d != nil && d.Stage == fleet.Ended && !d.KeyDestroyedAt.IsZero() && len(r.left()) == 0 &&
		r.Life != nil && r.Life.Certificate != nil && len(r.Life.Certificate.Resources) == len(r.Resources)
}
