package world_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
	"github.com/project-gimbal/fleet/internal/view"
)

// wantKept judges that the history has exactly one configuration of an instance of a time, and gives it.
func (r *rig) wantKept(id string, at time.Time) string {
	r.t.Helper()
	kept, err := r.history.List(r.ctx, id+"/"+at.UTC().Format("20060102T150405Z")+"-")
	if err != nil || len(kept) != 1 {
		r.t.Errorf("of %s the history has %v, %v", at, kept, err)
		return ""
	}
	text := objectstest.Content(r.t, &r.history, kept[0].Key, 0)
	var c struct {
		Instance, Slug, Plan string
		Limits               map[string]int
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Instance != id || c.Slug != r.instance(id).Slug || c.Plan == "" || len(c.Limits) != 3 {
		r.t.Errorf("%s: %v", text, err)
	}
	return string(text)
}

// TestExportIsKept: an export's configuration is in the history, too, which outlasts the export; made twice, it is there twice.
func TestExportIsKept(t *testing.T) {
	t.Parallel()
	inExporting(t, nil, func(e *exporting) {
		for n := range 2 {
			id := e.begin().Operation
			e.settle()
			x := e.wantExported(id)
			if got, want := e.wantKept(e.id, e.run(e.id, id).StartedAt), objectstest.Content(t, e.files, x.Folder+"configuration.json", 0); got != string(want) {
				t.Errorf("kept %s, exported %s", got, want)
			}
			if all, err := e.history.List(e.ctx, ""); err != nil || len(all) != n+2 {
				t.Errorf("%v, %v", all, err)
			}
			time.Sleep(time.Minute)
		}
		secrets := []string{"sbp_", "SG.", "password", "jordan", "@"}
		all, err := e.history.List(e.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			for _, s := range secrets {
				if text := string(objectstest.Content(t, &e.history, o.Key, 0)); strings.Contains(text, s) {
					t.Errorf("%s has %q: %s", o.Key, s, text)
				}
			}
		}
	})
}

// full refuses what is written as long as it has a reason.
type full struct {
	objects.Store
	refused func() error
}

func (f full) PutOnce(ctx context.Context, key string, body []byte) error {
	if err := f.refused(); err != nil {
		return err
	}
	return f.Store.PutOnce(ctx, key, body)
}

// TestHistoryFails: a history that takes nothing keeps nobody from being told that the instance is active, and is an incident until an export
// is in it. One that fails only for a while is none.
func TestHistoryFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure error
		writes  int // refused
		told    bool
	}{
		"for good":    {fault.New(fault.Internal, "there is no bucket"), 1, true},
		"for long":    {fault.New(fault.Unavailable, "an outage"), 1000, true},
		"for a while": {fault.New(fault.Unavailable, "an outage"), 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := c.writes
			inBubble(t, func(o *world.Options) {
				o.History = full{o.History, func() error {
					if left--; left >= 0 {
						return c.failure
					}
					return nil
				}}
			}, func(r *rig) {
				id := r.provision()
				r.wantMails(3)
				if after := r.operation(id).EndedAt.Sub(r.instance(id).ActivatedAt); r.operation(id).Outcome != fleet.Succeeded || after > 40*time.Minute {
					t.Errorf("it took %s: %+v", after, r.operation(id))
				}
				var want []fleet.IncidentKind
				if c.told {
					want = []fleet.IncidentKind{fleet.IncidentHistoryMissing}
				}
				if open := r.openIncidents(id); !slices.Equal(open, want) {
					t.Errorf("open: %v", open)
				}
				left = 0
				act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/exports", "")
				r.settle()
				if open := r.openIncidents(id); len(open) > 0 {
					t.Errorf("open: %v", open)
				}
			})
		})
	}
}

// TestNoCertificateWithoutHistory: what a certificate says is kept is kept before it is issued.
func TestNoCertificateWithoutHistory(t *testing.T) {
	t.Parallel()
	refused := false
	inGraveyard(t, func(o *world.Options) {
		o.History = full{o.History, func() error {
			if refused {
				return fault.New(fault.Internal, "there is no bucket")
			}
			return nil
		}}
	}, func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		refused = true
		g.terminate()
		if d := g.instance(id).Decommission; d.Archived == nil || d.Certificate != nil || !d.KeyDestroyedAt.IsZero() || g.instance(id).Unfinished == "" {
			t.Errorf("%+v", d)
		}
		refused = false
		g.retry(id)
		g.settle()
		g.wantProved(id)
	})
}
