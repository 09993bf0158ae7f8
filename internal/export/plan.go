package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// plan is all that an export writes but rows and where sequences stand. It is the same as long as the schema is.
type plan struct {
	before, after string   // SQL around the rows
	keys          []string // foreign keys, between the two parts of after
	end           string
	tables        []table
	sequences     []string // as SQL writes them
	leftOut       []LeftOut
	version       string // of the schema
	server        string // PostgreSQL's version
}

// table is one whose rows are written.
type table struct {
	oid          uint32
	schema, name string
	sql          string // its name, as SQL writes it
	columns      []string
}

// header goes before everything. Bodies of functions are not looked at: they may name what comes later.
const header = `-- A customer's database. To restore it into an empty database of PostgreSQL 15 or later, none older than its own, as a superuser:
--   psql -v ON_ERROR_STOP=1 -f database.sql
-- It is restored whole or not at all.

begin;
set local statement_timeout = 0;
set local lock_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local client_encoding = 'UTF8';
set local standard_conforming_strings = on;
set local check_function_bodies = off;
set local client_min_messages = warning;
set local row_security = off;
set local xmloption = content;
set local datestyle = 'ISO, YMD';
set local intervalstyle = 'postgres';
set local lc_monetary = 'C';
set local default_tablespace = '';
set local search_path = '';

`

// readPlan reads the catalog and locks the tables against changes of their form for as long as the transaction lasts.
func readPlan(ctx context.Context, tx pgx.Tx) (*plan, error) {
	c, err := readCatalog(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := c.lock(ctx); err != nil {
		return nil, err
	}
	if c, err = readCatalog(ctx, tx); err != nil { // again, now that nothing changes
		return nil, err
	}
	early, late := c.ordered()
	p := &plan{}
	after, roles, err := c.ending(ctx, early, late)
	if err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(slices.Clone(late), func(o *object) bool {
		if o.key {
			p.keys = append(p.keys, o.sql)
		}
		return o.key
	})
	p.before, p.after, p.end = header+roles+"\n\n"+join(early), join(rest), after+"\ncommit;\n"
	if err := c.contents(ctx, p, early); err != nil {
		return nil, err
	}
	objects, err := c.descriptions(ctx)
	p.leftOut = slices.Concat(everywhere, objects, p.leftOut)
	return p, err
}

// hash tells plans apart.
func (p *plan) hash() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{p.before, p.after, p.keys, p.end, p.tables, p.sequences, p.leftOut}))
	return hex.EncodeToString(sum[:])
}

// lock keeps the tables that can be read as they are. Writing goes on.
func (c *catalog) lock(ctx context.Context) error {
	var readable []string
	err := c.tx.QueryRow(ctx, `select coalesce(array_agg(format('%I.%I', n.nspname, c.relname) order by n.nspname collate "C", c.relname collate "C"), '{}')
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p') and n.nspname = any ($1) and has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage')`, c.schemas).Scan(&readable)
	if err != nil || len(readable) == 0 {
		return err
	}
	_, err = c.tx.Exec(ctx, "lock table only "+strings.Join(readable, ", only ")+" in access share mode")
	return err
}

// ending is what follows the objects: row-level security, owners, rights, comments; and the roles that all of it needs.
func (c *catalog) ending(ctx context.Context, early, late []*object) (sql, roles string, err error) {
	classes, oids, byID := made(early, late)
	owners, names, err := c.owners(ctx, classes, oids, byID)
	if err != nil {
		return "", "", err
	}
	rights, more, err := c.rights(ctx, classes, oids, byID)
	if err != nil {
		return "", "", err
	}
	future, some, err := c.futureRights(ctx)
	if err != nil {
		return "", "", err
	}
	policies, err := c.policyRoles(ctx)
	if err != nil {
		return "", "", err
	}
	if roles, err = c.roles(ctx, slices.Concat(names, more, some, policies)); err != nil {
		return "", "", err
	}
	security, err := c.statements(ctx, `select format('alter table %I.%I %s row level security;', n.nspname, c.relname, w.what)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace, (values ('enable', 1), ('force', 2)) as w (what, n)
		where c.oid = any ($1) and c.relkind in ('r', 'p') and case w.n when 1 then c.relrowsecurity else c.relforcerowsecurity end
		order by n.nspname collate "C", c.relname collate "C", w.n`, oids)
	if err != nil {
		return "", "", err
	}
	comments, err := c.comments(ctx, byID)
	if err != nil {
		return "", "", err
	}
	path, err := c.statements(ctx, `select format('do %L;', format('begin execute format(''alter database %%I set search_path = %s'', current_database()); end', split_part(s, '=', 2)))
		from pg_db_role_setting r, unnest(r.setconfig) s
		where r.setdatabase = (select oid from pg_database where datname = current_database()) and r.setrole = 0 and s ~ '^search_path=[A-Za-z0-9_$", ]*$'`)
	if err != nil {
		return "", "", err
	}
	fill, err := c.refreshes(ctx, early)
	if err != nil {
		return "", "", err
	}
	all := slices.Concat(security, owners, rights, future, fill, comments, path)
	return strings.Join(all, "\n") + "\n", roles, nil
}

// statements are those that a query gives.
func (c *catalog) statements(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := c.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// refreshes fill materialized views, each after those that it reads.
func (c *catalog) refreshes(ctx context.Context, early []*object) (sql []string, err error) {
	for _, o := range early {
		if o.sort != "materialized view" {
			continue
		}
		var filled bool
		if err := c.tx.QueryRow(ctx, `select relispopulated from pg_class where oid = $1`, o.id.oid).Scan(&filled); err != nil {
			return nil, err
		}
		if filled {
			sql = append(sql, "refresh materialized view "+o.identity+";")
		}
	}
	return sql, nil
}

// comments are those on what is made, and on its parts.
func (c *catalog) comments(ctx context.Context, byID map[id]*object) (sql []string, err error) {
	rows, err := c.tx.Query(ctx, `select d.classoid, d.objoid, case o.type when 'table constraint' then 'constraint' when 'statistics object' then 'statistics'
				when 'domain constraint' then 'constraint' else regexp_replace(o.type, '^.* column$', 'column') end,
			case o.type when 'domain constraint' then regexp_replace(o.identity, ' on (?!.* on )', ' on domain ') else o.identity end, quote_literal(d.description)
		from pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) as o
		where d.objoid >= $1 or d.classoid = 'pg_namespace'::regclass
		order by o.type collate "C", o.identity collate "C"`, firstUser)
	if err != nil {
		return nil, err
	}
	var at id
	var sort, identity, text string
	_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &sort, &identity, &text}, func() error {
		owner, _ := c.target(at)
		if o := byID[owner]; o != nil && sort != "extension" {
			sql = append(sql, fmt.Sprintf("comment on %s %s is %s;", sort, identity, text))
		}
		return nil
	})
	return sql, err
}

// contents are the tables and sequences whose contents can be read; the others are left out.
func (c *catalog) contents(ctx context.Context, p *plan, early []*object) error {
	_, oids, _ := made(early, nil)
	rows, err := c.tx.Query(ctx, `select c.oid, c.relkind::text, n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
			has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage'), c.relkind = 'r' and row_security_active(c.oid),
			(select coalesce(array_agg(attname::text order by attnum) filter (where attgenerated = ''), '{}') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped),
			(select coalesce(array_agg(attname::text order by attnum) filter (where attgenerated <> ''), '{}') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind = 'r' and c.oid = any ($1) or c.relkind = 'S' and n.nspname = any ($2)
		order by n.nspname collate "C", c.relname collate "C"`, oids, c.schemas)
	if err != nil {
		return err
	}
	var t table
	var sort string
	var may, filtered bool
	var generated []string
	_, err = pgx.ForEachRow(rows, []any{&t.oid, &sort, &t.schema, &t.name, &t.sql, &may, &filtered, &t.columns, &generated}, func() error {
		t := t
		t.columns = slices.Clone(t.columns)
		why := withheld(t, may, filtered)
		switch {
		case sort == "S" && !c.made(id{classRelation, t.oid}):
		case why != "" && sort == "S":
			p.leftOut = append(p.leftOut, LeftOut{"where sequence " + t.sql + " stands", why})
		case why != "":
			p.leftOut = append(p.leftOut, LeftOut{"rows of table " + t.sql, why})
		case sort == "S":
			p.sequences = append(p.sequences, t.sql)
		default:
			p.tables = append(p.tables, t)
			for _, column := range generated {
				p.leftOut = append(p.leftOut, LeftOut{"column " + column + " of the CSV of " + t.sql, "it is made from other columns; database.sql has what makes it"})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.versions(ctx, p)
}

// made reports whether an object, or what it is a part of, is made.
func (c *catalog) made(at id) bool {
	to, _ := c.target(at)
	return c.objects[to] != nil
}

// Reasons for which rows that are the customer's are left out.
const (
	unreadable = "the exporting role may not read it"
	hidden     = "row-level security hides rows from the exporting role"
)

// withheld is why a relation's contents are not exported, or empty.
func withheld(t table, may, filtered bool) string {
	switch {
	case fleeting[t.schema+"."+t.name]:
		return "it holds open sessions and what would open one"
	case !may:
		return unreadable
	case filtered:
		return hidden
	case t.columns != nil && len(t.columns) == 0:
		return "it has no columns to write"
	}
	return ""
}

// versions reads which schema this is, and on which server.
func (c *catalog) versions(ctx context.Context, p *plan) error {
	var err error
	if p.version, err = schemaVersion(ctx, c.tx); err != nil {
		return err
	}
	return c.tx.QueryRow(ctx, `select current_setting('server_version')`).Scan(&p.server)
}

// schemaVersion is that of the last migration applied, empty where there is no history to be read.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version string, err error) {
	var kept bool
	if err = tx.QueryRow(ctx, `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations' and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))`).Scan(&kept); err != nil || !kept {
		return "", err
	}
	err = tx.QueryRow(ctx, `select coalesce(max(version), '') from supabase_migrations.schema_migrations`).Scan(&version)
	return version, err
}
