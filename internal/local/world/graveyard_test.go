package world_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/termination"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// graveyard are the exports and the archive of a world, and how its terminations are begun.
type graveyard struct {
	*rig
	exports, archive *objects.Memory
	direct           http.RoundTripper // to the vendors, past every invocation
	lost             []fleet.Kind      // what nobody reaches any more, since a person removed what it is in
}

func inGraveyard(t *testing.T, change func(*world.Options), test func(g *graveyard)) {
	t.Helper()
	g := &graveyard{exports: &objects.Memory{}, archive: &objects.Memory{}}
	inBubble(t, func(o *world.Options) {
		o.Exports, o.Archive = g.exports, g.archive
		var once sync.Once
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			once.Do(func() { g.direct = next })
			return next
		}
		if change != nil {
			change(o)
		}
	}, func(r *rig) {
		g.rig = r
		test(g)
	})
}

// grace provisions an instance and brings it to the end of its grace: suspended, with a verified final export.
func (g *graveyard) grace(webhook, slug string) string {
	g.t.Helper()
	id := g.signup(webhook, slug)
	g.approve(id)
	g.settle()
	time.Sleep(time.Minute)
	g.suspend(id)
	g.settle()
	g.atEndOfGrace(id)
	return id
}

func (g *graveyard) atEndOfGrace(id string) {
	g.t.Helper()
	export := g.export(id)
	err := g.w.Store.Update(g.ctx, id, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		now := tx.Now()
		i.Decommission = &fleet.Decommission{N: 1, Stage: fleet.InGrace, Reason: "leaves", By: "operator:ada", Before: fleet.Active,
			NoticeAt: now.Add(-1440 * time.Hour), NoticeEnds: now.Add(-720 * time.Hour), GraceEnds: now.Add(-time.Second), FinalExport: &export}
		if err := tx.PutDue(i.Decommission.GraceEnds); err != nil {
			return err
		}
		return tx.PutInstance(i)
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// export puts an export of two files where exports are, one of them of a table whose name isn't English.
func (g *graveyard) export(id string) fleet.VerifiedExport {
	g.t.Helper()
	folder := id + "/final/"
	manifest := []byte(`{"format":1,"files":[{"name":"database.sql","bytes":4},{"name":"csv/public.größe.csv","bytes":3}]}`)
	var there []objects.Object
	for _, f := range []struct{ name, body string }{{fleet.ManifestName, string(manifest)}, {"database.sql", "drop"}, {"csv/public.größe.csv", "id\n"}} {
		key := fleet.ExportKey(folder, f.name)
		err := g.exports.Put(g.ctx, key, []byte(f.body))
		o, failed := g.exports.Head(g.ctx, key)
		if err := errors.Join(err, failed); err != nil {
			g.t.Fatal(err)
		}
		there = append(there, o)
	}
	return fleet.VerifiedExport{ID: "final", Folder: folder, Manifest: hash(manifest), Objects: objects.Fingerprint(there[1:]), VerifiedAt: time.Now()}
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// wantAnswersTold judges that the certificate tells each answer that a vendor gave to a deletion, and none that it didn't.
func (g *graveyard) wantAnswersTold(id string) {
	g.t.Helper()
	var c termination.Certificate
	if err := json.Unmarshal(g.file(g.instance(id).Decommission.Certificate.Key), &c); err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	told := func(call sim.Call, d termination.Deleted) bool {
		return call.Vendor == d.Vendor && call.Status == d.Answer && (strings.Contains(call.Path, d.ID) || strings.Contains(call.Path, d.Name))
	}
	answered := 0
	for _, d := range c.Resources {
		if d.Answer == 0 {
			continue
		}
		answered++
		if !slices.ContainsFunc(g.calls, func(call sim.Call) bool { return call.Method != http.MethodGet && told(call, d) }) {
			g.t.Errorf("no vendor said so: %+v", d)
		}
	}
	for _, call := range g.calls {
		if call.Method == http.MethodDelete && !slices.ContainsFunc(c.Resources, func(d termination.Deleted) bool { return told(call, d) }) {
			g.t.Errorf("the certificate doesn't tell of %+v", call)
		}
	}
	if answered < 6 {
		g.t.Errorf("%d answers are told", answered)
	}
}

// change changes an instance's record.
func (g *graveyard) change(id string, do func(i *fleet.Instance)) {
	g.t.Helper()
	err := g.w.Store.Update(g.ctx, id, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		do(i)
		return tx.PutInstance(i)
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// terminate invokes the sweep.
func (g *graveyard) terminate() {
	g.t.Helper()
	g.invoke("due")
	g.settle()
}

func (g *graveyard) file(key string) []byte {
	g.t.Helper()
	body, err := g.archive.Read(g.ctx, key, 0)
	if err != nil {
		g.t.Fatalf("%s: %v", key, err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

// wantProved judges that an instance has ended: nothing of it is left, its chain is archived, its certificate tells the ledger, and
// its key is gone.
func (g *graveyard) wantProved(id string) {
	g.t.Helper()
	i := g.instance(id)
	d := i.Decommission
	if i.State != fleet.Terminated || i.Operation != "" || d == nil || d.Stage != fleet.Ended || d.KeyDestroyedAt.IsZero() || d.Sealed == nil {
		g.t.Fatalf("instance is %s, operation %q, %+v, %+v", i.State, i.Operation, d, i.Progress)
	}
	o := g.run(id, fleet.NumberedID(fleet.Terminate, id, d.N))
	if o.Outcome != fleet.Succeeded {
		g.t.Errorf("operation ended as %q", o.Outcome)
	}
	for _, h := range g.w.Vendors.Inventory() {
		if (strings.Contains(h.Name, id) || strings.Contains(h.Name, i.Slug+".")) && !slices.Contains(g.lost, fleet.Kind(h.Kind)) {
			g.t.Errorf("left: %+v", h)
		}
	}
	g.wantArchived(id, *d.Archived, "instance.terminated")
	g.wantArchived(id, *d.Sealed, "instance.terminated", "certificate.issued", "key.destroyed")
	g.wantCertificate(i)
	g.wantKept(id, i.TerminatedAt)
	s, err := g.w.Store.Signup(g.ctx, id)
	if err != nil {
		g.t.Fatal(err)
	}
	if a, err := step.OpenApplicant(g.ctx, step.Env{Vault: seal.New(g.keys, g.kek)}, *s); err == nil {
		g.t.Errorf("the applicant's data open: %v", a.Company)
	}
	g.wantAuditWhole(id)
	if open := g.openIncidents(id); len(open) > 0 {
		g.t.Errorf("open incidents: %v", open)
	}
}

// wantArchived judges that the archive has the whole chain up to a head, with these actions in it.
func (g *graveyard) wantArchived(id string, a fleet.Archived, actions ...string) {
	g.t.Helper()
	text := g.file(a.Key)
	if hash(text) != a.SHA256 {
		g.t.Error("the archived chain has another checksum")
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var entries []fleet.AuditEntry
	for _, line := range lines[:len(lines)-1] {
		var e fleet.AuditEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			g.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	var end struct{ Head fleet.AuditHead }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Head != a.Head {
		g.t.Errorf("its head is %+v, %v; want %+v", end.Head, err, a.Head)
	}
	if err := fleet.VerifyChain(entries, a.Head); err != nil {
		g.t.Error(err)
	}
	for _, action := range actions {
		if !slices.ContainsFunc(entries, func(e fleet.AuditEntry) bool { return e.Action == action }) {
			g.t.Errorf("the archived chain doesn't tell %s", action)
		}
	}
}

// wantCertificate judges that the certificate has a line for each entry of the ledger, with an answer where a deletion was sent.
func (g *graveyard) wantCertificate(i fleet.Instance) {
	g.t.Helper()
	text := g.file(i.Decommission.Certificate.Key)
	var c termination.Certificate
	if err := json.Unmarshal(text, &c); err != nil || hash(text) != i.Decommission.Certificate.SHA256 {
		g.t.Fatalf("%v, %s", err, text)
	}
	ledger, err := g.w.Store.Resources(g.ctx, i.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	if len(c.Resources) != len(ledger) || len(c.Kept) != 4 || c.Audit.Head != i.Decommission.Archived.Head || c.AskedBy != i.Decommission.By {
		g.t.Errorf("certificate of %d entries, want %d: %+v", len(c.Resources), len(ledger), c)
	}
	page := string(g.file(i.Decommission.Certificate.Page))
	if told := get[view.Certificate](g.rig, "/instances/"+i.ID+"/certificate"); told.JSON != string(text) || told.Page != page || told.IssuedAt.IsZero() {
		g.t.Errorf("the API tells another certificate: %+v", told)
	}
	for _, d := range c.Resources {
		if d.At.IsZero() || !strings.Contains(page, d.Name) {
			g.t.Errorf("%s: %+v", d.Kind, d)
		}
	}
	if strings.Contains(page, "${") {
		g.t.Error("the page has a fact unfilled")
	}
}

// wantUntouched judges that every vendor has what it had, and beside it nothing but what it keeps of an instance that has ended.
func (g *graveyard) wantUntouched(before map[string][]string, ended string) {
	g.t.Helper()
	for vendor, now := range g.vendorStates() {
		for _, e := range before[vendor] {
			if !slices.Contains(now, e) {
				g.t.Errorf("%s had, and has not: %.300s", vendor, e)
			}
		}
		for _, e := range now {
			if !slices.Contains(before[vendor], e) && !strings.Contains(e, ended) {
				g.t.Errorf("%s has, and had not: %.300s", vendor, e)
			}
		}
	}
}

// openIncidents are the kinds of what is open about an instance, or the fleet.
func (r *rig) openIncidents(id string) (open []fleet.IncidentKind) {
	r.t.Helper()
	all, err := r.w.Store.Incidents(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range all {
		if i.ClosedAt.IsZero() {
			open = append(open, i.Code)
		}
	}
	return open
}
