//go:build e2e

package e2e

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/store"
)

// livesAndEnds: an instance is provisioned, suspended, resumed, exported, and decommissioned; it is closed and terminated by the
// schedules of the ends of its notice and its grace.
func livesAndEnds(t *testing.T) {
	c := signUp(t, "last-orders")
	c.approve()
	if o := c.settled(); o.Outcome != fleet.Succeeded {
		t.Fatalf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	for _, turn := range []struct {
		to, body string
		state    fleet.State
		is       fleet.Setting
		status   int
	}{
		{"suspend", `{"reason":"payment"}`, fleet.Suspended, fleet.Stopped, http.StatusServiceUnavailable},
		{"resume", "", fleet.Active, fleet.Serving, http.StatusOK},
	} {
		c.operate("/"+turn.to, turn.body)
		c.wantTurned(turn.state, turn.is, turn.status)
	}
	c.operate("/exports", "")
	c.operate("/decommission", `{"reason":"leaves"}`)
	c.delivers(fleet.EndMessage(fleet.NoticeGiven, 1))
	c.comes(fleet.Close, func(d *fleet.Decommission, to time.Time) { d.NoticeEnds = to })
	c.wantTurned(fleet.Suspended, fleet.Stopped, http.StatusServiceUnavailable)
	c.comes(fleet.Terminate, func(d *fleet.Decommission, to time.Time) { d.GraceEnds = to })
	c.wantTerminated()
}

// operate begins an operation of a live instance, and waits until it has succeeded.
func (c *customer) operate(path, body string) {
	c.t.Helper()
	got := c.act(http.MethodPost, "/instances/"+c.id+path, []byte(body), shared.api.operator)
	if got.status != http.StatusAccepted {
		c.t.Fatalf("%s was answered with %d: %v", path, got.status, got.body)
	}
	if o := c.ended(got.text("operation")); o.Outcome != fleet.Succeeded {
		c.t.Fatalf("%s ended as %s: %s\n%s", path, o.Outcome, o.Failure, c.story())
	}
}

// wantTurned judges that the instance is in a state with every switch set so at its vendor, and what a visitor of its host gets.
func (c *customer) wantTurned(state fleet.State, is fleet.Setting, status int) {
	c.t.Helper()
	i := c.instance()
	if i.State != state {
		c.t.Errorf("%s is %s, want %s", c.slug, i.State, state)
	}
	resources, err := c.records.Resources(c.ctx, c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	at := slices.IndexFunc(resources, func(r fleet.Resource) bool { return r.Kind == fleet.SupabaseProject })
	for kind, got := range shared.vendors.Switches(i, resources[at].ID) {
		if got != is {
			c.t.Errorf("%s: at the vendor %s is %s, want %s", c.slug, kind, got, is)
		}
	}
	got, _, err := edge.New(provider.Config{Clock: clock.System(), Endpoints: shared.vendors.Endpoints}).Page(c.ctx, i.Host, "/")
	if err != nil || got != status {
		c.t.Errorf("a visitor of %s gets %d, want %d: %v", i.Host, got, status, err)
	}
}

// comes lets a time of the instance's end come: it brings the record's time forward, since nobody can wait for it here, and then does
// what the one-time schedule does that the instance has for it.
func (c *customer) comes(kind fleet.OperationKind, bring func(d *fleet.Decommission, to time.Time)) {
	c.t.Helper()
	err := c.records.Update(c.ctx, c.id, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		d := *i.Decommission
		past := tx.Now().Add(-time.Second)
		bring(&d, past)
		i.Decommission = &d
		return errors.Join(tx.PutDue(past), tx.PutInstance(i))
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.happens(fleet.ScheduleName(kind, c.id))
	var id string
	c.eventually("an operation "+string(kind), func() bool {
		all, err := c.records.Operations(c.ctx, c.id)
		at := slices.IndexFunc(all, func(o fleet.Operation) bool { return o.Kind == kind })
		if at >= 0 {
			id = all[at].ID
		}
		return err == nil && at >= 0
	})
	if o := c.ended(id); o.Outcome != fleet.Succeeded {
		c.t.Fatalf("%s ended as %s: %s\n%s", id, o.Outcome, o.Failure, c.story())
	}
}

// wantTerminated judges that nothing is left but the proof.
func (c *customer) wantTerminated() {
	c.t.Helper()
	i := c.instance()
	d := i.Decommission
	if i.State != fleet.Terminated || d.Stage != fleet.Ended || d.Archived == nil || d.Certificate == nil || d.KeyDestroyedAt.IsZero() {
		c.t.Fatalf("%s is %s: %+v", c.slug, i.State, d)
	}
	if held := append(c.held(), c.recorded()...); len(held) > 0 {
		c.t.Errorf("%s: left: %s", c.slug, strings.Join(held, ", "))
	}
	bucket := shared.deployment.variables[catalog.IssueCertificate.Name]["FLEET_ARCHIVE"]
	for _, key := range []string{d.Archived.Key, d.Certificate.Key, d.Certificate.Page} {
		if text, err := shared.deployment.object(c.ctx, bucket, key); err != nil || !strings.Contains(text, c.id) {
			c.t.Errorf("%s of the archive: %.200s, %v", key, text, err)
		}
	}
	keys := shared.deployment.variables[catalog.DestroyKey.Name]["FLEET_KEYS_TABLE"]
	each(c.t, keys, func(item string) {
		if strings.Contains(item, c.id) {
			c.t.Errorf("%s: its data key is still there", c.slug)
		}
	})
	c.wantExecution("terminate", fleet.NumberedID(fleet.Terminate, c.id, 1)+"-confirm-1", types.ExecutionStatusSucceeded, "ConfirmTermination", "MarkTerminated", "BeginTeardown", "TakingDown")
	c.wantAuditWhole()
}

// showsSuspended: what answers for the hosts of suspended instances answers all alike.
func showsSuspended(t *testing.T) {
	id := shared.deployment.apis["fleet-"+stage+"-suspended"]
	if id == "" {
		t.Fatal("there is no API for them")
	}
	base := strings.Replace(shared.api.base, shared.deployment.apis["fleet-"+stage+"-api"], id, 1)
	for _, path := range []string{"/", "/signups", "/instances/x/suspend"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			request, err := http.NewRequestWithContext(shared.ctx, method, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := shared.api.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = got.Body.Close() // only the head counts
			if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || got.Header.Get("Cache-Control") != "no-store" ||
				!strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s %s: %d, %v", method, path, got.StatusCode, got.Header)
			}
		}
	}
}
