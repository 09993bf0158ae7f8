package world_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
)

// contentless is a transport to a Supabase that lists files whose contents it doesn't have.
type contentless struct{ http.RoundTripper }

func (u contentless) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/object/authenticated/") {
		return u.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"statusCode":"404","code":"NoSuchKey","error":"not_found","message":"Object not found"}`))}, nil
}

// TestLostMediaHoldTheEnd: where a file can't be read the final export says so, and as soon as the grace begins an incident does.
func TestLostMediaHoldTheEnd(t *testing.T) {
	t.Parallel()
	inGraveyard(t, func(o *world.Options) {
		inner := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper { return contentless{inner(next)} }
	}, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		projects, ref := supabase.New(g.person()), g.entry(id, fleet.SupabaseProject).ID
		ctx, cancel := context.WithTimeout(provider.WithAttempt(g.ctx), time.Minute)
		defer cancel()
		key, err := projects.SecretKey(ctx, ref)
		if err == nil {
			err = projects.CreateBucket(ctx, ref, key, supabase.Bucket{Name: "reports", Private: true})
		}
		if err == nil {
			err = projects.UploadObject(ctx, ref, key, supabase.Object{Bucket: "reports", Path: "ada.pdf", Type: "application/pdf", Cache: "no-cache", Content: []byte("one")})
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(period)
		g.terminate()
		d := g.instance(id).Decommission
		if d.Stage != fleet.InGrace || len(d.FinalExport.Lost) == 0 || !strings.HasPrefix(d.FinalExport.Lost[0], "media of bucket ") || strings.Contains(d.FinalExport.Lost[0], "/") {
			t.Fatalf("%+v, %+v", d, d.FinalExport)
		}
		g.wantIncident(id, fleet.IncidentTerminationHeld, d.FinalExport.Lost[0])
		time.Sleep(2 * period)
		g.terminate()
		if i := g.instance(id); i.State != fleet.Suspended || len(g.openIncidents(id)) != 1 {
			t.Errorf("%s, open %v", i.State, g.openIncidents(id))
		}
		g.wantIncident(id, fleet.IncidentTerminationHeld, d.FinalExport.Lost[0])
	})
}
