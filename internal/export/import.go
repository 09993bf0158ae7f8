package export

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// history is the table that says which migrations were applied. Import compares it, and leaves it.
const history = "supabase_migrations.schema_migrations"

// migrationsFill are the tables that migrations themselves put rows into: only these may hold any before an import, which
// replaces them.
var migrationsFill = []string{"public.permissions", "public.role_permissions", "public.roles"}

// provisioningFills are the tables that a provisioning puts rows into besides: of a fresh instance an import replaces these, too. Where
// the customer wrote into one of them, fresh finds out.
var provisioningFills = []string{"auth.identities", "auth.users", "private.starting_content", "public.audit_log", "public.message_templates", "public.opt_out_texts",
	"public.profiles", "public.retention_jobs", "public.sending_rules", "public.tags", "public.team_members", "public.teams", "public.template_library",
	"public.user_roles"}

// Import puts an export's rows into a database.
type Import struct {
	// Conn belongs to the owner of the customer's tables, passes row-level security, and is in session mode.
	Conn   *pgx.Conn
	Source Source
	// Keep are tables, as the manifest writes them, that stay as they are: what belongs to the instance and not to its customer.
	Keep []string
	// Administrator is the id of the one user that a provisioning made. Given it, the import is into a fresh instance: what its
	// provisioning put in, that user included, is replaced by what the export has, unless anybody has worked in it already.
	Administrator string
	// Operation, for a fresh instance, is an id by which the database notes the import in its own transaction: one that it has noted is not
	// done again.
	Operation string
	// Files, for a fresh instance, are what the addresses of public files begin with.
	Files Addresses
	// Time, where there is one, gives a context that ends in time for a commit. Where it ends before all is in, nothing is imported, and the
	// fault is QuotaExceeded.
	Time func(context.Context) (context.Context, context.CancelFunc)
}

// Addresses are what the addresses of public files in Storage begin with: in the export's instance, and in the one that imports it.
type Addresses struct{ Theirs, Ours string }

// Here is an address that leads to a file in the export's instance, as that of the same file in this one. Any other stays.
func (a Addresses) Here(address string) string {
	if path, theirs := strings.CutPrefix(address, a.Theirs); theirs && a.Theirs != "" {
		return a.Ours + path
	}
	return address
}

// Imported is what an import did.
type Imported struct {
	Tables int
	Rows   int64
	// Kept are tables that stayed as they were though the export has rows of them; Skipped are sequences that the role may not set.
	Kept, Skipped []string
	// What follows is of a fresh instance. Before: it was done before, and nothing was now.
	Before bool
	// Unnoted: it failed, and the database has no note of it.
	Unnoted bool
	// Administrators are the ids of the users who are that, the first one first.
	Administrators []string
	// WebhooksOff counts those that were switched off: what signs them is encrypted for another instance.
	WebhooksOff int
}

// Run imports into a database with the same migrations applied and nothing else in it, or into a fresh instance's, wholly or not at all. All files are
// compared with the manifest first, and again as they are read.
//
// No trigger acts on what is imported; foreign keys are checked at the end. Tables that the role doesn't own, such as Auth's,
// come in the order of their keys; where one has triggers, the role must be allowed to set session_replication_role, and
// that table's own foreign keys go unchecked. Rejected is an export that isn't what its manifest says, or that breaks a constraint;
// Conflict a database with rows, of another schema, or one that misses a table or a column.
func (i *Import) Run(ctx context.Context, m Manifest) (Imported, error) {
	done, err := i.before(ctx)
	if err != nil || done.Before {
		return done, schema.Fault("Import", "note", err)
	}
	var files []File
	var settings File
	for _, f := range m.Files {
		switch {
		case f.Table == "" || f.Table == history:
		case i.Administrator != "" && f.Table == config:
			settings = f
		case i.keeps(f.Table):
			if f.Rows > 0 {
				done.Kept = append(done.Kept, f.Table)
			}
		default:
			files = append(files, f)
		}
	}
	doing := "session"
	err = i.within(ctx, func(ctx, working context.Context) error {
		if err := i.verify(working, files, settings); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, i.Conn, func(tx pgx.Tx) error {
			in := &importing{Import: *i, tx: tx, done: &done, doing: &doing, config: settings}
			return in.run(working, m, files)
		})
	})
	if err == nil {
		return done, nil
	}
	if !ofStore(err) {
		err = schema.Fault("Import", doing, err)
	}
	return Imported{Unnoted: true}, err
}

// keeps reports whether a table stays as it is.
func (i *Import) keeps(table string) bool {
	return slices.Contains(i.Keep, table) || i.Administrator != "" && own(table)
}

// within does what must be done in time.
func (i *Import) within(ctx context.Context, do func(ctx, working context.Context) error) error {
	if i.Time == nil {
		return do(ctx, ctx)
	}
	working, cancel := i.Time(ctx)
	defer cancel()
	err := do(ctx, working)
	if err != nil && working.Err() != nil && ctx.Err() == nil && !fault.Is(err, fault.Rejected, fault.Conflict) {
		return &fault.Error{Code: fault.QuotaExceeded, Text: "the database is not imported within the time of one invocation: nothing of it is", Err: err}
	}
	return err
}

func (i *Import) verify(ctx context.Context, files []File, settings File) error {
	if settings.Name != "" {
		files = append(slices.Clone(files), settings)
	}
	return Verify(ctx, i.Source, files)
}

// receiving is how a session reads what session wrote.
const receiving = `set local search_path = ''; set local row_security = off; set local statement_timeout = 0; set local lock_timeout = '20s';
	set local idle_in_transaction_session_timeout = '5min'; set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
	set local xmloption = content; set local lc_monetary = 'C'; set local client_encoding = 'UTF8'`

// importing is one import's transaction.
type importing struct {
	Import
	tx    pgx.Tx
	done  *Imported
	doing *string
	// config is the file of the export's settings, in an import into a fresh instance.
	config File
}

// goal is a table that receives rows.
type goal struct {
	file     File
	oid      uint32
	name     string // as this database writes it: the manifest's own words reach no statement
	owned    bool
	triggers []string // that would act, where they can't be switched off
}

func (in *importing) run(ctx context.Context, m Manifest, files []File) error {
	if err := in.exec(ctx, receiving); err != nil {
		return err
	}
	*in.doing = "comparison with the export"
	version, err := schemaVersion(ctx, in.tx)
	if err != nil {
		return err
	}
	if version != m.SchemaVersion {
		return fault.New(fault.Conflict, "the export is of schema version %q, this database is of %q: apply the same migrations first", m.SchemaVersion, version)
	}
	goals, err := in.goals(ctx, files)
	if err != nil {
		return err
	}
	quieted, err := in.quieted(ctx, goals)
	if err != nil {
		return err
	}
	quiet, loud, err := in.silence(ctx, quieted)
	if err != nil {
		return err
	}
	if err := in.exec(ctx, quiet); err != nil {
		return err
	}
	if goals, err = in.sorted(ctx, goals); err != nil {
		return err
	}
	if err := in.fresh(ctx); err != nil {
		return err
	}
	if err := in.empty(ctx, goals); err != nil {
		return err
	}
	for _, g := range goals {
		*in.doing = "rows of " + g.file.Table
		if err := in.fill(ctx, g); err != nil {
			return err
		}
	}
	if err := in.settle(ctx); err != nil {
		return err
	}
	*in.doing = "foreign keys"
	if err := in.exec(ctx, "set constraints all immediate;"+loud); err != nil {
		return err
	}
	*in.doing = "sequences" // last: they don't go back
	return in.sequences(ctx, m.Sequences)
}

func (in *importing) exec(ctx context.Context, sql string) error {
	_, err := in.tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// goals finds the tables, and refuses what can't receive the rows. A table without rows may be missing.
func (in *importing) goals(ctx context.Context, files []File) (goals []goal, err error) {
	var full []string
	for _, f := range files {
		g := goal{file: f}
		var missing []string
		var rows bool
		err := in.tx.QueryRow(ctx, `select coalesce(c.oid, 0), coalesce(c.oid::regclass::text, ''), coalesce(pg_has_role(c.relowner, 'usage'), false),
				array(select w from unnest($2::text[]) w where not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = w and not a.attisdropped and a.attgenerated = '')),
				array(select tgname::text from pg_trigger t where t.tgrelid = c.oid and not tgisinternal and tgenabled in ('O', 'A') and not pg_has_role(c.relowner, 'usage'))
			from (select to_regclass($1)::oid as oid) r left join pg_class c on c.oid = r.oid`, f.Table, f.Columns).Scan(&g.oid, &g.name, &g.owned, &missing, &g.triggers)
		switch {
		case err != nil:
			return nil, err
		case f.Rows == 0 && (g.oid == 0 || len(missing) > 0):
			continue
		case g.oid == 0:
			return nil, fault.New(fault.Conflict, "this database has no table %s, of which the export has %d rows", f.Table, f.Rows)
		case len(missing) > 0:
			return nil, fault.New(fault.Conflict, "table %s has no column %s here", f.Table, strings.Join(missing, ", "))
		}
		if err := in.tx.QueryRow(ctx, "select exists (select from only "+g.name+")").Scan(&rows); err != nil {
			return nil, err
		}
		if rows && !in.replaced(f.Table) {
			full = append(full, f.Table)
		}
		goals = append(goals, g)
	}
	if len(full) > 0 {
		return nil, fault.New(fault.Conflict, "this database is not empty: %d tables have rows, such as %s", len(full), strings.Join(full[:min(len(full), 5)], ", "))
	}
	return goals, nil
}

// replaced reports whether a table may have rows, which the import takes away.
func (in *importing) replaced(table string) bool {
	return slices.Contains(migrationsFill, table) || in.Administrator != "" && (slices.Contains(provisioningFills, table) || fleeting[table])
}

// fresh refuses an instance in which anybody has worked: it has users besides its administrator, its audit log tells of a change that
// came by the API, or it has a tag of its own, which no audit tells. Nothing changes there until the import is done.
func (in *importing) fresh(ctx context.Context) error {
	if in.Administrator == "" {
		return nil
	}
	*in.doing = "whether the instance is fresh"
	if err := in.exec(ctx, "lock table only public.audit_log, only public.teams, only public.profiles, only public.tags in share row exclusive mode"); err != nil {
		return err
	}
	var users, changes, tags int
	err := in.tx.QueryRow(ctx, `select (select count(*) from auth.users where id::text <> $1),
		(select count(*) from public.audit_log where actor is not null or actor_role in ('anon', 'authenticated', 'service_role')),
		(select count(*) from public.tags t where not exists (select from private.starting_content where piece = 'tag/' || t.name))`, in.Administrator).Scan(&users, &changes, &tags)
	switch {
	case err != nil:
		return err
	case users > 0:
		return fault.New(fault.Conflict, "this instance is not fresh: it has %d users besides its administrator", users)
	case changes > 0:
		return fault.New(fault.Conflict, "this instance is not fresh: its audit log tells of %d changes", changes)
	case tags > 0:
		return fault.New(fault.Conflict, "this instance is not fresh: it has %d tags of its own", tags)
	}
	return nil
}

// empty takes away what migrations put in, and a provisioning, from the last table to the first.
func (in *importing) empty(ctx context.Context, goals []goal) error {
	for _, g := range slices.Backward(goals) {
		if in.replaced(g.file.Table) {
			if err := in.exec(ctx, "delete from only "+g.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill copies a table's file in.
func (in *importing) fill(ctx context.Context, g goal) error {
	if g.file.Rows == 0 {
		return nil
	}
	if len(g.triggers) > 0 {
		if err := in.exec(ctx, "set local session_replication_role = replica"); err != nil {
			return fault.New(fault.Conflict, "table %s has the trigger %s, which this role can't switch off", g.file.Table, g.triggers[0])
		}
	}
	if err := in.copy(ctx, g); err != nil {
		return err
	}
	in.done.Tables, in.done.Rows = in.done.Tables+1, in.done.Rows+g.file.Rows
	if len(g.triggers) > 0 {
		return in.exec(ctx, "set local session_replication_role = origin")
	}
	return nil
}

// copy copies a file into a table.
func (in *importing) copy(ctx context.Context, g goal) error {
	r, err := open(ctx, in.Source, g.file)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	tag, err := in.tx.Conn().PgConn().CopyFrom(ctx, r, fmt.Sprintf("copy %s (%s) from stdin (format csv, header match)", g.name, list(g.file.Columns)))
	if err != nil {
		return err
	}
	if err := r.whole(); err != nil {
		return err
	}
	if tag.RowsAffected() != g.file.Rows {
		return fault.New(fault.Rejected, "%s has %d rows, not %d", g.file.Name, tag.RowsAffected(), g.file.Rows)
	}
	return nil
}

// sequences sets those that are there, but for those of tables that are kept.
func (in *importing) sequences(ctx context.Context, all []Sequence) error {
	for _, s := range all {
		var there, may bool
		var table string
		err := in.tx.QueryRow(ctx, `select c.oid is not null, coalesce(has_sequence_privilege(c.oid, 'update'), false),
				coalesce((select d.refobjid::regclass::text from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
					and d.deptype in ('a', 'i') limit 1), '')
			from (select to_regclass($1)::oid as oid) r left join pg_class c on c.oid = r.oid and c.relkind = 'S'`, s.Name).Scan(&there, &may, &table)
		switch {
		case err != nil:
			return err
		case !there || in.keeps(table):
		case !may:
			in.done.Skipped = append(in.done.Skipped, s.Name)
		default:
			if _, err := in.tx.Exec(ctx, `select setval($1::text::regclass, $2::bigint, $3::boolean)`, s.Name, s.Last, s.Called); err != nil {
				return err
			}
		}
	}
	return nil
}
