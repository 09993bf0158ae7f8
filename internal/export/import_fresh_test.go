package export_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// ours is the user that the provisioning of the instance below made.
const ours = "00000000-0000-4000-8000-0000000000ff"

// provisioned is an instance's database as its provisioning left it.
func provisioned(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	owner, super = migrated(t)
	run(t, super, `insert into auth.users (id, email) values ('`+ours+`', 'a@example.com')`) // of the same address as one in the export
	if err := schema.WriteConfig(t.Context(), owner, schema.Config{InstanceID: ours, PrimaryColor: "#654321"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.Seed(t.Context(), owner, schema.Starter{Company: "Another", Vertical: "dental", Locale: "en-US"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.WriteAdmin(t.Context(), owner, ours, "Ada"); err != nil {
		t.Fatal(err)
	}
	return owner, super
}

const (
	job    = "import-x-7"
	theirs = "https://theirs.example/public/"
	here   = "https://ours.example/public/"
)

// TestImportIntoAFreshInstance: all that a provisioning put in is replaced, and the customer's settings; the instance's own are not. The
// database notes it, so that it isn't done twice, also when it is asked for again.
func TestImportIntoAFreshInstance(t *testing.T) {
	dir, m, original := exportedWith(t, `update public.instance_config set logo_url = '`+theirs+`branding/logo.png', favicon_url = 'https://elsewhere.example/f.ico', custom_css = 'b{}',
			twilio_account_sid = 'theirs', max_users = 3, data_retention_days = 99;
		insert into public.webhooks (id, name, url, events, signing_secret) values ('00000000-0000-4000-8006-000000000001', 'x', 'https://x.example', '{message.sent}', 'a..b.c.d');
		insert into public.webhook_deliveries (webhook_id, event, next_attempt_at) values ('00000000-0000-4000-8006-000000000001', 'message.sent', now())`)
	owner, super := provisioned(t)
	run(t, owner, `update public.instance_config set twilio_account_sid = 'ours', favicon_url = 'x', secondary_color = '#111111'`)
	in := export.Import{Conn: owner, Source: export.Directory(dir), Administrator: ours, Operation: job, Files: export.Addresses{Theirs: theirs, Ours: here}}
	done, err := in.Run(t.Context(), m)
	if err != nil {
		t.Fatal(why(err))
	}
	if done.WebhooksOff != 1 || len(done.Administrators) != 1 || done.Before || done.Rows < 500 {
		t.Errorf("%+v", done)
	}
	imported := fingerprint(t, super)
	wantSame(t, original, imported, config+" ", "public.webhooks ", "public.webhook_deliveries ", "private.starting_content ")
	if got := one[string](t, super, `select concat_ws(' ', instance_id, twilio_account_sid, max_users, primary_color, secondary_color, custom_css, data_retention_days, logo_url, favicon_url) from public.instance_config`); got !=
		ours+" ours 50 #123456 b{} 99 "+here+"branding/logo.png https://elsewhere.example/f.ico" {
		t.Errorf("settings: %s", got)
	}
	if got := one[string](t, super, `select w.enabled || d.status || (d.next_attempt_at is null) from public.webhooks w join public.webhook_deliveries d on d.webhook_id = w.id`); got != "falsefailedtrue" {
		t.Errorf("webhooks: %s", got)
	}
	again, err := in.Run(t.Context(), m)
	if err != nil || !again.Before || len(again.Administrators) != 1 || again.Administrators[0] != done.Administrators[0] {
		t.Errorf("asked again: %+v, %v", again, why(err))
	}
	wantSame(t, imported, fingerprint(t, super))
	in.Operation = "import-x-8"
	if again, err := in.Run(t.Context(), m); !fault.Is(err, fault.Conflict) || !again.Unnoted {
		t.Errorf("another import: %+v, %v", again, why(err))
	}
}

// TestImportLeavesWhatIsTheProjects: Storage's tables, Auth's log and its open invitations are not in the way, and the former stay.
func TestImportLeavesWhatIsTheProjects(t *testing.T) {
	const more = `create table auth.one_time_tokens (id uuid primary key default gen_random_uuid(), user_id uuid references auth.users on delete cascade);
		create table auth.audit_log_entries (id uuid primary key default gen_random_uuid(), payload json);
		grant all on auth.one_time_tokens, auth.audit_log_entries to postgres;
		insert into auth.audit_log_entries (payload) values ('{}');
		insert into storage.buckets (id, name) values ('documents', 'documents')`
	dir, m, _ := exportedBy(t, more)
	owner, super := provisioned(t)
	run(t, super, more+`; insert into auth.one_time_tokens (user_id) values ('`+ours+`'); insert into storage.buckets (id, name) values ('branding', 'branding')`)
	in := export.Import{Conn: owner, Source: export.Directory(dir), Administrator: ours, Operation: job}
	done, err := in.Run(t.Context(), m)
	if err != nil {
		t.Fatal(why(err))
	}
	if !slices.Contains(done.Kept, "storage.buckets") || !slices.Contains(done.Kept, "auth.audit_log_entries") {
		t.Errorf("kept: %v", done.Kept)
	}
	if got := one[string](t, super, `select (select count(*) from auth.one_time_tokens) || ' ' || (select count(*) from auth.audit_log_entries) || ' ' || (select string_agg(id, ',' order by id) from storage.buckets)`); got != "0 1 branding,documents" {
		t.Errorf("left: %s", got)
	}
}

// TestImportWithoutAnAdministrator refuses what would leave an instance that nobody administers.
func TestImportWithoutAnAdministrator(t *testing.T) {
	dir, m, _ := exportedWith(t, `delete from public.user_roles`)
	owner, super := provisioned(t)
	before := fingerprint(t, super)
	in := export.Import{Conn: owner, Source: export.Directory(dir), Administrator: ours, Operation: job}
	if _, err := in.Run(t.Context(), m); !fault.Is(err, fault.Rejected) || !strings.Contains(err.Error(), "no administrator") {
		t.Error(why(err))
	}
	wantSame(t, before, fingerprint(t, super))
}

// TestImportOutOfTime: what isn't in before the time is up is not in at all, and the fault says so.
func TestImportOutOfTime(t *testing.T) {
	dir, m, _ := exported(t)
	owner, super := provisioned(t)
	before := fingerprint(t, super)
	var cancel context.CancelFunc
	in := export.Import{Conn: owner, Source: &lateness{Source: export.Directory(dir), late: func() { cancel() }}, Administrator: ours, Operation: job,
		Time: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel = context.WithCancel(ctx)
			return ctx, cancel
		}}
	done, err := in.Run(t.Context(), m)
	if !fault.Is(err, fault.QuotaExceeded) || !strings.Contains(err.Error(), "within the time of one invocation") || !done.Unnoted {
		t.Errorf("%+v, %v", done, why(err))
	}
	wantSame(t, before, fingerprint(t, super))
}

// lateness is a source in which the time is up while a file is read for the second time.
type lateness struct {
	export.Source
	late func()
	seen bool
}

func (l *lateness) Open(ctx context.Context, file string) (io.ReadCloser, error) {
	if strings.HasSuffix(file, "contacts.csv") {
		if l.seen {
			l.late()
		}
		l.seen = true
	}
	return l.Source.Open(ctx, file)
}

// TestImportIntoAnInstanceInUse refuses an instance in which anybody has worked, and leaves it as it is.
func TestImportIntoAnInstanceInUse(t *testing.T) {
	dir, m, _ := exported(t)
	for name, c := range map[string]struct{ change, want string }{
		"a contact":      {`insert into public.contacts (team_id, first_name, phone) select id, 'x', '+12025550123' from public.teams`, "public.contacts"},
		"another user":   {`insert into auth.users (id, email) values ('00000000-0000-4000-8000-0000000000fe', 'b@example.com')`, "1 users besides"},
		"a changed team": {`set request.jwt.claims = '{"role":"service_role"}'; update public.teams set name = 'Mine'; reset request.jwt.claims`, "audit log tells"},
		"a new tag":      {`insert into public.tags (team_id, name) select id, 'mine' from public.teams`, "1 tags of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			owner, super := provisioned(t)
			run(t, super, c.change)
			before := fingerprint(t, super)
			in := export.Import{Conn: owner, Source: export.Directory(dir), Administrator: ours}
			if _, err := in.Run(t.Context(), m); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", why(err), c.want)
			}
			wantSame(t, before, fingerprint(t, super))
		})
	}
}
