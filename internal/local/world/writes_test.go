package world_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// TestOnlyWritesFail: a vendor answers reads, and fails every change for 20 minutes. That is one incident as well; nothing is admitted
// meanwhile, hardly a change is sent, and all goes on by itself.
func TestOnlyWritesFail(t *testing.T) {
	t.Parallel()
	for vendor, how := range map[string]string{"supabase": "503", "vercel": "503", "cloudflare": "503", "twilio": "503", "sendgrid": "refused"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			var begun time.Time
			var mu sync.Mutex
			failed := 0
			inBubble(t, func(o *world.Options) {
				exact(o)
				failing(vendor, how, func(q *http.Request) bool {
					since := time.Since(begun)
					fails := !begun.IsZero() && since >= 0 && since < 20*time.Minute && q.Method != http.MethodGet
					mu.Lock()
					defer mu.Unlock()
					if fails {
						failed++
					}
					return fails
				})(o)
			}, func(r *rig) {
				begun = time.Now().Add(20 * time.Second)
				ids := r.queue(6)
				go func() {
					time.Sleep(time.Until(begun.Add(15 * time.Minute)))
					all := r.allIncidents(ids...)
					if len(all) != 1 || !all[0].ClosedAt.IsZero() || !strings.Contains(all[0].Reason, vendor+" answers no changes") {
						t.Errorf("incidents: %+v", all)
					}
				}()
				r.scheduled(4 * time.Hour)
				r.wantOneOutage(ids...)
				mu.Lock()
				if failed < 3 || failed > 40 {
					t.Errorf("%d changes were sent to no effect", failed)
				}
				mu.Unlock()
				r.wantEnded(4, ids...)
				r.wantNotAdmitted(begun.Add(10*time.Minute), begun.Add(20*time.Minute), ids...)
			})
		})
	}
}

// TestWritesAreTriedAgain: writes fail for longer than any provisioning lasts, so that nobody is left who tries. What waits does, and
// there is one incident still.
func TestWritesAreTriedAgain(t *testing.T) {
	t.Parallel()
	var begun time.Time
	inBubble(t, func(o *world.Options) {
		exact(o)
		failing("supabase", "503", func(q *http.Request) bool {
			return !begun.IsZero() && time.Since(begun) < 5*time.Hour && q.Method != http.MethodGet
		})(o)
	}, func(r *rig) {
		begun = time.Now()
		ids := r.queue(10)
		r.scheduled(9 * time.Hour)
		r.wantOneOutage(ids...)
		r.wantEnded(1, ids...)
	})
}

// sweepLog notes the scheduled invocations that fail.
type sweepLog struct {
	slog.Handler
	mu     sync.Mutex
	failed []string
}

func (f *sweepLog) Handle(_ context.Context, line slog.Record) error {
	if line.Message != "scheduled invocation failed" {
		return nil
	}
	text := ""
	line.Attrs(func(a slog.Attr) bool { text += a.String() + " "; return true })
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, text)
	return nil
}
func (f *sweepLog) Enabled(context.Context, slog.Level) bool { return true }
func (f *sweepLog) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f *sweepLog) WithGroup(string) slog.Handler            { return f }

// TestSweepsWaitForTheVendors: a vendor is down for an hour while a message waits, a signup could be approved by itself, and rechecks are
// due. No sweep fails of it, and there is one incident.
func TestSweepsWaitForTheVendors(t *testing.T) {
	t.Parallel()
	for vendor, how := range map[string]string{"sendgrid": "refused", "supabase": "503"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			var begun time.Time
			sweeps := &sweepLog{}
			inBubble(t, func(o *world.Options) {
				exact(o)
				o.Log, o.AutoApprove, o.Quotas = slog.New(sweeps), []string{"flat"}, map[string]int{"supabase-projects": 50, "sendgrid-subusers": 50}
				o.Script = sim.NewScript(sim.Rule{Call: "supabase.CreateProject", Kind: sim.Lost, From: 1, To: 1},
					sim.Rule{Call: "sendgrid.ValidateDomain", Kind: sim.Denied, From: 1, To: 1})
				failing(vendor, how, func(*http.Request) bool {
					return !begun.IsZero() && time.Since(begun) >= 0 && time.Since(begun) < time.Hour
				})(o)
			}, func(r *rig) {
				first := r.signup("msg_1", "acme-dental")
				r.approve(first)
				r.settle()
				r.wantClean(first)
				begun = time.Now().Add(bounds.RecheckSoon - 5*time.Minute)
				due, err := r.w.Store.RecheckDue(r.ctx, time.Now().Add(bounds.RecheckSoon))
				if err != nil || !slices.Contains(due, first) {
					t.Fatalf("no recheck is due: %v, %v", due, err)
				}
				time.Sleep(time.Until(begun) + time.Second)
				ids := []string{first, r.signup("msg_2", "second"), r.signup("msg_3", "third")}
				r.scheduled(3*time.Hour + 30*time.Second) // no sweep is under way when it ends
				r.wantOneOutage(ids...)
				if len(sweeps.failed) > 0 {
					t.Errorf("%d sweeps failed: %q", len(sweeps.failed), sweeps.failed)
				}
				for _, id := range ids[1:] {
					if m := r.message(id, fleet.DecisionWanted); m.Status != fleet.MessageSent {
						t.Errorf("%+v", m)
					}
				}
			})
		})
	}
}
