package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

const config = "public.instance_config"

// used is an instance's database after some use.
func used(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	owner, super = migrated(t)
	run(t, super, `insert into auth.users (id, email) values ('00000000-0000-4000-8000-00000000000a', 'a@example.com'), ('00000000-0000-4000-8000-00000000000b', 'b@example.com')`)
	id := "00000000-0000-4000-8000-00000000000a"
	if err := schema.WriteConfig(t.Context(), owner, schema.Config{InstanceID: id, PrimaryColor: "#123456"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.Seed(t.Context(), owner, schema.Starter{Company: "Ada & Söhne", Vertical: "general", Locale: "de-DE"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.WriteAdmin(t.Context(), owner, id, "Ada \"the\" Admin,\r\nCountess"); err != nil {
		t.Fatal(err)
	}
	run(t, owner, `insert into public.profiles (id, display_name) values ('00000000-0000-4000-8000-00000000000b', E'\\.');
		insert into public.team_members (team_id, user_id) select id, '00000000-0000-4000-8000-00000000000b' from public.teams;
		insert into public.user_preferences (user_id, default_team_id) select '00000000-0000-4000-8000-00000000000b', id from public.teams;
		insert into public.contacts (team_id, first_name, last_name, phone, sms_consent) select id, E'Ünï\tcode\\', n || ' 😀', '+1202555' || 1000 + n, 'opted_in' from public.teams, generate_series(1, 300) n;
		update public.contacts set last_name = '' where phone like '%7';
		delete from public.contacts where phone like '%8';
		insert into public.contact_tags (team_id, contact_id, tag_id) select c.team_id, c.id, t.id from public.contacts c, public.tags t where c.phone like '%9';
		update public.roles set description = 'changed' where name = 'member'`)
	return owner, super
}

// exported is an export of a database in use, and how it should look elsewhere.
func exported(t *testing.T) (dir string, m export.Manifest, original map[string][]string) {
	t.Helper()
	return exportedWith(t, "select")
}

// exportedWith is exported with some more use, by the customer; exportedBy with what only a superuser may do.
func exportedWith(t *testing.T, use string) (dir string, m export.Manifest, original map[string][]string) {
	t.Helper()
	owner, super := used(t)
	run(t, owner, use)
	dir, m, original = exportOf(t, owner, super)
	if len(m.LeftOut) != 3 {
		t.Errorf("left out of an instance's own schema: %v", m.LeftOut[3:])
	}
	return dir, m, original
}

func exportedBy(t *testing.T, use string) (dir string, m export.Manifest, original map[string][]string) {
	t.Helper()
	owner, super := used(t)
	run(t, super, use)
	return exportOf(t, owner, super)
}

func exportOf(t *testing.T, owner, super *pgx.Conn) (dir string, m export.Manifest, original map[string][]string) {
	t.Helper()
	original = fingerprint(t, super)
	dir, m = whole(t, owner) // as the instance's own role, which is no superuser
	if _, err := export.Seal(t.Context(), export.Directory(dir), m); err != nil {
		t.Fatal(err)
	}
	return dir, m, original
}

func TestImport(t *testing.T) {
	dir, m, original := exported(t)
	owner, super := migrated(t)
	in := export.Import{Conn: owner, Source: export.Directory(dir), Keep: []string{config}}
	done, err := in.Run(t.Context(), m)
	if err != nil || done.Rows < 500 || !slices.Equal(done.Kept, []string{config}) || done.Skipped != nil {
		t.Fatalf("%+v, %v", done, why(err))
	}
	imported := fingerprint(t, super) // triggers and foreign keys as well
	wantSame(t, original, imported, config+" ")
	if n := one[int](t, super, `select count(*) from public.instance_config`); n != 0 {
		t.Error("what was to be kept came with the rest")
	}
	run(t, owner, `insert into public.teams (name) values ('goes on')`)

	_, err = in.Run(t.Context(), m)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("again: %v", err)
	}
}

// TestRestoreAnInstance restores what the instance's own role exported.
func TestRestoreAnInstance(t *testing.T) {
	dir, _, original := exported(t)
	restored := fingerprint(t, restore(t, elsewhere(t), dir))
	wantSame(t, original, restored)
}

func TestImportRefuses(t *testing.T) {
	dir, m, _ := exported(t)
	sum := func(f export.File) export.File {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			t.Fatal(err)
		}
		s := sha256.Sum256(text)
		f.SHA256, f.Bytes = hex.EncodeToString(s[:]), int64(len(text))
		return f
	}
	change := func(t *testing.T, name, old, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		before, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(before, []byte(old)) {
			t.Fatalf("%s: %v, or no %q", name, err, old)
		}
		if err := os.WriteFile(path, bytes.Replace(before, []byte(old), []byte(text), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.WriteFile(path, before, 0o600) })
	}
	with := func(table string, edit func(*export.File)) export.Manifest {
		changed := m
		changed.Files = slices.Clone(m.Files)
		for i := range changed.Files {
			if changed.Files[i].Table == table {
				edit(&changed.Files[i])
			}
		}
		return changed
	}
	for _, c := range []struct {
		name, target string
		manifest     func(t *testing.T) export.Manifest
		code         fault.Code
		want         string
	}{
		{"another schema version", `delete from supabase_migrations.schema_migrations where version = '` + m.SchemaVersion + `'`, nil, fault.Conflict, "schema version"},
		{"rows", `insert into public.teams (name) values ('x')`, nil, fault.Conflict, "public.teams"},
		{"no such table", `drop table public.contact_tags`, nil, fault.Conflict, "no table public.contact_tags"},
		{"no such column", `alter table public.contacts drop column first_name`, nil, fault.Conflict, "no column first_name"},
		{"a trigger on Auth's table", `create trigger noting before insert on auth.users for each row execute function private.set_updated_at()`, nil, fault.Conflict, "the trigger noting"},
		{"a file was changed", "", func(t *testing.T) export.Manifest {
			change(t, "csv/public.contacts.csv", "code", "cade")
			return m
		}, fault.Rejected, "public.contacts.csv is not the file"},
		{"a row is missing", "", func(t *testing.T) export.Manifest {
			return with("public.tags", func(f *export.File) { f.Rows++ })
		}, fault.Rejected, "rows, not"},
		{"other columns", "", func(t *testing.T) export.Manifest {
			return with("public.tags", func(f *export.File) { f.Columns = slices.Clone(f.Columns); slices.Reverse(f.Columns) })
		}, fault.Rejected, "SQLSTATE"},
		{"a key leads nowhere", "", func(t *testing.T) export.Manifest {
			change(t, "csv/public.user_preferences.csv", "00000000000b", "00000000000c")
			return with("public.user_preferences", func(f *export.File) { *f = sum(*f) })
		}, fault.Rejected, "SQLSTATE 23503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			owner, super := migrated(t)
			run(t, super, c.target)
			before := fingerprint(t, super)
			given := m
			if c.manifest != nil {
				given = c.manifest(t)
			}
			in := export.Import{Conn: owner, Source: export.Directory(dir)}
			_, err := in.Run(t.Context(), given)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s with %q", why(err), c.code, c.want)
			}
			wantSame(t, before, fingerprint(t, super))
		})
	}
}

// TestImportPastTriggers has a trigger on a table that isn't the role's, and a role that may switch it off.
func TestImportPastTriggers(t *testing.T) {
	dir, m, _ := exported(t)
	_, super := migrated(t)
	run(t, super, `create function public.refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
		create trigger refusing before insert on auth.users for each row execute function public.refuse()`)
	in := export.Import{Conn: super, Source: export.Directory(dir)}
	if _, err := in.Run(t.Context(), m); err != nil {
		t.Fatal(why(err))
	}
	if got := one[string](t, super, `select current_setting('session_replication_role') || tgenabled::text from pg_trigger where tgname = 'refusing'`); got != "originO" {
		t.Errorf("left behind: %s", got)
	}
}

func TestSealed(t *testing.T) {
	d := export.Directory(t.TempDir())
	m := export.Manifest{Format: export.Format, Instance: "i", Files: []export.File{{Name: "a", SHA256: strings.Repeat("0", 64)}}}
	f, err := export.Seal(t.Context(), d, m)
	if err != nil || f.Name != export.ManifestName {
		t.Fatalf("%+v, %v", f, err)
	}
	if got, err := export.ReadManifest(t.Context(), d, f.SHA256); err != nil || got.Instance != "i" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := export.ReadManifest(t.Context(), d, strings.Repeat("0", 64)); !fault.Is(err, fault.Rejected) {
		t.Errorf("another checksum: %v", err)
	}
	if err := export.Verify(t.Context(), d, []export.File{f}); err != nil {
		t.Error(err)
	}
	m.Files = append(m.Files, m.Files[0])
	if _, err := export.Seal(t.Context(), d, m); !fault.Is(err, fault.Rejected) {
		t.Errorf("a file that is listed twice: %v", err)
	}
}

// FuzzParseManifest wants no name that leads out of the export, whatever a manifest says.
func FuzzParseManifest(f *testing.F) {
	zeros := strings.Repeat("0", 64)
	f.Add(`{"format":1,"files":[{"name":"csv/a.b.csv","sha256":"` + zeros + `","rows":1}]}`)
	f.Add(`{"format":1,"files":[{"name":"../a","sha256":"` + zeros + `"}]}`)
	f.Add(`{"format":1,"files":[{"name":"a\\..\\b","sha256":"` + zeros + `"},{"name":"/a"}]}`)
	f.Add(`{"format":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := export.ParseManifest([]byte(text))
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(filepath.FromSlash(file.Name)) || strings.Contains(file.Name, `\`) || file.Name == export.ManifestName {
				t.Errorf("%q is taken", file.Name)
			}
		}
	})
}
