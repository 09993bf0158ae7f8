package world_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// importing is a world with an instance that was used, an export of it, and another instance that is fresh.
type importing struct {
	*exporting
	export string // the export's id
	into   string // the fresh instance
}

// large is a file that is uploaded in parts.
var large = bytes.Repeat([]byte("0123456789abcdef"), 13<<16) // 13 MB

// inImporting runs a test on such a world.
func inImporting(t *testing.T, change func(*world.Options), test func(m *importing)) {
	t.Helper()
	var databases *memory.Store
	followed := func(o *world.Options) {
		o.Databases = inMemory{o.Databases, func() *memory.Store { return databases }}
		if change != nil {
			change(o)
		}
	}
	provision := func(r *rig) string { return r.branded("msg_first", "acme-dental", sampleImages) }
	inExportingOf(t, followed, provision, func(e *exporting) {
		databases = e.databases
		e.upload(map[string][]byte{"a.pdf": []byte("one"), "folder/empty.pdf": {}, "large.pdf": large})
		e.use()
		time.Sleep(time.Minute)
		o := e.begin()
		e.settle()
		e.wantExported(o.Operation)
		m := &importing{exporting: e, export: o.Operation}
		m.into = e.branded("msg_second", "acme-again", fleet.Branding{FaviconURL: sampleImages.FaviconURL})
		test(m)
	})
}

// inMemory are databases whose users Auth knows by what is in memory.
type inMemory struct {
	world.Databases
	store func() *memory.Store
}

func (d inMemory) Users(_ context.Context, ref string) (map[string]string, bool, error) {
	if d.store() == nil {
		return nil, false, nil
	}
	users := map[string]string{}
	for _, key := range d.store().Keys() {
		if strings.HasPrefix(key, "postgres."+ref+"@") {
			for id := range d.store().Admins(key) {
				if !strings.HasPrefix(id, "00000000") { // whom a test put there the ledger doesn't tell of
					users[id] = id + "@example.com"
				}
			}
		}
	}
	return users, len(users) > 0, nil
}

// branded provisions an instance with a look.
func (r *rig) branded(webhook, slug string, look fleet.Branding) string {
	r.t.Helper()
	id := r.signup(webhook, slug)
	if err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
		s, err := tx.Signup()
		if err == nil {
			s.Branding = look
			err = tx.PutSignup(s)
		}
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	r.approve(id)
	r.settle()
	if i := r.instance(id); i.State != fleet.Active {
		r.t.Fatalf("%s is %s: %+v", slug, i.State, i.Progress)
	}
	time.Sleep(time.Minute) // whatever lags shows
	return id
}

// use works in the instance's database as its people do.
func (e *exporting) use() {
	e.t.Helper()
	db := e.database(e.id)
	if err := db.WriteAdmin(e.ctx, "00000000-0000-4000-8000-0000000000aa", "Grace"); err != nil {
		e.t.Fatal(err)
	}
	if err := db.WriteConfig(e.ctx, schema.Config{InstanceID: e.id, PrimaryColor: "#123456", CustomCSS: "b{}", DataRetentionDays: new(99)}); err != nil {
		e.t.Fatal(err)
	}
}

// key is what an instance's database is kept under.
func (e *exporting) key(id string) string {
	e.t.Helper()
	at := e.projectEntry(id).Attributes
	for _, k := range e.databases.Keys() {
		if strings.HasPrefix(k, at[fleet.DatabaseUser]+"@") {
			return k
		}
	}
	e.t.Fatalf("%s has no database", id)
	return ""
}

func (e *exporting) database(id string) schema.Database {
	e.t.Helper()
	db, err := e.databases.Open(e.ctx, provider.NewSecret("postgres://"+e.key(id)))
	if err != nil {
		e.t.Fatal(err)
	}
	return db
}

// storage is a client of the projects, past every invocation.
func (e *exporting) storage() *supabase.Client {
	return supabase.New(provider.Config{Clock: clock.System(), Endpoints: e.w.Endpoints, Transport: e.direct, Settings: world.Settings(),
		Credential: func(context.Context, string) (provider.Secret, error) {
			return provider.NewSecret("sbp_0123456789"), nil
		}})
}

// stored are the files and buckets of an instance's Storage. Addresses of its own project are written as of one.
func (e *exporting) stored(id string) map[string]string {
	e.t.Helper()
	projects := e.storage()
	ref, found := e.project(id), map[string]string{}
	key, err := projects.SecretKey(e.ctx, ref)
	if err != nil {
		e.t.Fatal(err)
	}
	buckets, err := projects.Buckets(e.ctx, ref, key)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, b := range buckets {
		found[b.Name] = fmt.Sprintf("%+v", b)
		page, err := projects.Objects(e.ctx, ref, key, b.Name, "")
		if err != nil {
			e.t.Fatal(err)
		}
		for _, o := range page.Objects {
			r, err := projects.Download(e.ctx, ref, key, o, 0)
			if err != nil {
				e.t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				e.t.Fatal(err)
			}
			found[b.Name+"/"+o.Path] = o.Type + " " + o.Cache + " " + strings.ReplaceAll(string(content), ref, "PROJECT")
		}
	}
	return found
}

func (m *importing) take() view.Operation {
	m.t.Helper()
	return act[view.Operation](m.rig, http.StatusAccepted, "/instances/"+m.into+"/import", m.wish())
}

func (m *importing) wish() string {
	return fmt.Sprintf(`{"from": %q, "export": %q}`, m.id, m.export)
}

// wantImported judges that the instance has all that the other one had, is healthy, and sends by its own accounts; and that the other is as
// it was.
func (m *importing) wantImported(o view.Operation, from map[string]string) {
	m.t.Helper()
	if now := m.run(m.into, o.Operation); now.Outcome != fleet.Succeeded || now.Import == nil || now.Import.Writer != nil || now.Import.By != "operator:token" {
		m.t.Errorf("operation: %+v, %+v", now, now.Import)
	}
	if i := m.instance(m.into); i.State != fleet.Active || i.Operation != "" || i.Unfinished != "" || i.Progress.Reason != "" {
		m.t.Errorf("instance: %+v", i)
	}
	if diff := cmp.Diff(from, m.stored(m.into)); diff != "" {
		m.t.Errorf("Storage differs: %.2000s", diff)
	}
	theirs, ours := m.key(m.id), m.key(m.into)
	if diff := cmp.Diff(m.databases.Admins(theirs), m.databases.Admins(ours)); diff != "" {
		m.t.Error(diff)
	}
	m.wantOwnSettings(theirs, ours)
	m.wantOneAdministrator()
	if there, here := m.rig.audited(m.id, "export.import-begun"), m.rig.audited(m.into, "import.begun"); there != 1 || here < 1 {
		m.t.Errorf("it was audited %d times there, %d times here", there, here)
	}
	m.wantAuditWhole(m.id)
	m.wantAuditWhole(m.into)
	if status, _ := m.visit("acme-again.gimbal.app"); status != http.StatusOK {
		m.t.Errorf("the host answers %d", status)
	}
}

// wantOwnSettings judges that the customer's settings came over, and nothing of the instance's own.
func (m *importing) wantOwnSettings(theirs, ours string) {
	m.t.Helper()
	a, _ := m.databases.Config(theirs)
	b, _ := m.databases.Config(ours)
	if b.InstanceID != m.into || b.TwilioAccountSID == "" || b.TwilioAccountSID == a.TwilioAccountSID || b.SendGridAPIKey == a.SendGridAPIKey {
		m.t.Errorf("of the instance's own: %+v, of the other %+v", b, a)
	}
	if b.PrimaryColor != "#123456" || b.CustomCSS != "b{}" || *b.DataRetentionDays != 99 {
		m.t.Errorf("of the customer's: %+v", b)
	}
	if want := strings.ReplaceAll(a.LogoURL, m.project(m.id), m.project(m.into)); b.LogoURL != want || want == "" {
		m.t.Errorf("logo %q, want %q", b.LogoURL, want)
	}
}

// wantOneAdministrator judges that the ledger knows the imported administrator, and that the one of before is gone from it.
func (m *importing) wantOneAdministrator() {
	m.t.Helper()
	entries, err := m.w.Store.ResourcesOf(m.ctx, m.into, fleet.AdminUser)
	if err != nil {
		m.t.Fatal(err)
	}
	all := slices.DeleteFunc(slices.Clone(entries), func(e fleet.Resource) bool { return e.Gone() })
	ref := m.project(m.into)
	key, err := m.storage().SecretKey(m.ctx, ref)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, e := range entries {
		if _, there, err := m.storage().User(m.ctx, ref, key, e.ID); err != nil || there == e.Gone() {
			m.t.Errorf("of %+v Auth says %v, %v", e, there, err)
		}
	}
	admins := m.databases.Admins(m.key(m.into))
	if len(all) != 1 || admins[all[0].ID] == "" {
		m.t.Errorf("the ledger holds %+v, the database %v", all, admins)
	}
}

// TestImport: what an instance held is in another one, which is healthy with it; the export's instance is as it was. A second import finds
// that the instance isn't fresh any more.
func TestImport(t *testing.T) {
	t.Parallel()
	inImporting(t, nil, func(m *importing) {
		from := m.stored(m.id)
		if len(from) < 7 {
			t.Fatalf("Storage has %d things", len(from))
		}
		o := m.take()
		if again := m.take(); again != o {
			t.Errorf("asked twice: %+v, %+v", o, again)
		}
		m.settle()
		if path := m.path("import", o.Execution); !slices.Equal(path, []string{"ImportDatabase", "ImportMedia", "VerifyHealth", "SettleImport", "EndOperation", "Ended", "Imported"}) {
			t.Errorf("path: %v", path)
		}
		m.wantImported(o, from)
		if diff := cmp.Diff(from, m.stored(m.id)); diff != "" {
			t.Errorf("the export's instance changed: %s", diff)
		}
		m.wantNoIncident(m.into)
		m.refused(http.StatusConflict, "POST", "/instances/"+m.into+"/resend", `{"message":"invitation"}`, "an import replaced")
	})
}
