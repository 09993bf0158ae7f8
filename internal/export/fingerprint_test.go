package export_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// aspects are questions to a catalog, each about one thing, whose answers must be those of the original. {acl} is a list of rights
// in order, {ours} are the schemas that are exported. Brackets are not compared where PostgreSQL sets them by its own lights.
var aspects = map[string]string{
	"schemas":    `select concat_ws('|', nspname, pg_get_userbyid(nspowner), {acl nspacl n nspowner}) from pg_namespace n where {ours}`,
	"extensions": `select extname || ' in ' || extnamespace::regnamespace from pg_extension`,
	"relations": `select concat_ws('|', c.oid::regclass, relkind, relpersistence, pg_get_userbyid(relowner), {acl relacl r relowner}, reloptions, relrowsecurity, relforcerowsecurity,
		relispartition, pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid)) from pg_class c join pg_namespace n on n.oid = relnamespace where {ours} and relkind <> 'S' and relkind <> 'c'`,
	"columns": `select concat_ws('|', c.oid::regclass, attname, rank() over (partition by c.oid order by attnum), format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attcollation::regcollation,
		attacl, attislocal, attinhcount, pg_get_expr(adbin, adrelid)) from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid
		left join pg_attrdef on adrelid = c.oid and adnum = attnum where {ours} and attnum > 0 and not attisdropped`,
	"inheritance": `select inhrelid::regclass || ' of ' || inhparent::regclass || inhseqno from pg_inherits join pg_class c on c.oid = inhrelid join pg_namespace n on n.oid = relnamespace where {ours}`,
	"constraints": `select concat_ws('|', conrelid::regclass, contypid::regtype, conname, contype, translate(pg_get_constraintdef(o.oid), '()', ''), convalidated, conislocal, coninhcount, conindid::regclass)
		from pg_constraint o join pg_namespace n on n.oid = connamespace where {ours}`,
	"indexes":    `select concat_ws('|', pg_get_indexdef(indexrelid), indisvalid, indisunique, indisprimary) from pg_index join pg_class c on c.oid = indrelid join pg_namespace n on n.oid = relnamespace where {ours}`,
	"statistics": `select pg_get_statisticsobjdef(s.oid) from pg_statistic_ext s join pg_namespace n on n.oid = stxnamespace where {ours}`,
	"triggers":   `select pg_get_triggerdef(t.oid) || tgenabled::text from pg_trigger t join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace where {ours} and not tgisinternal`,
	"rules":      `select pg_get_ruledef(r.oid) || ev_enabled::text from pg_rewrite r join pg_class c on c.oid = ev_class join pg_namespace n on n.oid = relnamespace where {ours}`,
	"policies": `select concat_ws('|', polrelid::regclass, polname, polcmd, polpermissive, (select array_agg(case when r = 0 then 'public' else pg_get_userbyid(r) end order by pg_get_userbyid(r)) from unnest(polroles) r),
		translate(pg_get_expr(polqual, polrelid), '()', ''), translate(pg_get_expr(polwithcheck, polrelid), '()', '')) from pg_policy p join pg_class c on c.oid = polrelid join pg_namespace n on n.oid = relnamespace where {ours}`,
	"functions": `select concat_ws('|', case when prokind <> 'a' then pg_get_functiondef(p.oid) else proname end, pg_get_userbyid(proowner), {acl proacl f proowner}) from pg_proc p join pg_namespace n on n.oid = pronamespace
		where {ours} and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and deptype = 'e')`,
	"types": `select concat_ws('|', typname, typtype, pg_get_userbyid(typowner), {acl typacl T typowner}, typnotnull, typdefault, format_type(typbasetype, typtypmod), rngsubtype::regtype, rngmultitypid::regtype, rngsubdiff,
		(select array_agg(enumlabel order by enumsortorder) from pg_enum e where enumtypid = t.oid)) from pg_type t left join pg_range on rngtypid = t.oid join pg_namespace n on n.oid = typnamespace where {ours}`,
	"collations": `select concat_ws('|', collname, collprovider, collisdeterministic, collencoding) from pg_collation c join pg_namespace n on n.oid = collnamespace where {ours}`,
	"sequences": `select concat_ws('|', c.oid::regclass, format_type(seqtypid, null), seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle, pg_get_userbyid(relowner), {acl relacl s relowner},
		(select pg_describe_object(refclassid, refobjid, refobjsubid) || deptype::text from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and deptype in ('a', 'i')),
		(xpath('/row/x/text()', query_to_xml(format('select (last_value, is_called)::text as x from %s', c.oid::regclass), false, true, '')))[1])
		from pg_sequence join pg_class c on c.oid = seqrelid join pg_namespace n on n.oid = relnamespace where {ours}`,
	"comments":      `select concat_ws('|', o.type, o.identity, d.description) from pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o where d.objoid >= 16384`,
	"future rights": `select concat_ws('|', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, (select array_agg(i::text order by i::text) from unnest(defaclacl) i)) from pg_default_acl`,
	"roles":         `select concat_ws('|', rolname, rolsuper, rolinherit, rolbypassrls, rolcreatedb, rolcreaterole) from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'postgres', 'Reader''s')`,
	"members": `select m.rolname || ' of ' || g.rolname from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid
		where m.rolname in ('anon', 'authenticated', 'service_role', 'postgres', 'Reader''s')`,
	"search path": `select c from pg_db_role_setting, unnest(setconfig) c where setdatabase = (select oid from pg_database where datname = current_database()) and c like 'search_path=%'`,
}

// fingerprint is what a database holds, line by line, by aspect.
func fingerprint(t *testing.T, conn *pgx.Conn) map[string][]string {
	t.Helper()
	run(t, conn, `set search_path = ''`)
	all := map[string][]string{}
	for name, query := range aspects {
		query = strings.ReplaceAll(query, "{ours}", `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'vault')`)
		for {
			before, rest, found := strings.Cut(query, "{acl ")
			if !found {
				break
			}
			what, after, _ := strings.Cut(rest, "}")
			f := strings.Fields(what)
			query = before + fmt.Sprintf(`(select array_agg(i::text order by i::text) from unnest(coalesce(%s, acldefault('%s', %s))) i)`, f[0], f[1], f[2]) + after
		}
		all[name] = lines(t, conn, query)
	}
	all["rows"] = contents(t, conn)
	return all
}

func lines(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	slices.Sort(all)
	return all
}

// contents is of each table and materialized view how many rows it has, and a checksum of them all.
func contents(t *testing.T, conn *pgx.Conn) (all []string) {
	t.Helper()
	run(t, conn, `set search_path = ''`)
	for _, relation := range lines(t, conn, `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace
		where relkind in ('r', 'm') and relispopulated and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'vault')`) {
		all = append(all, relation+" "+one[string](t, conn, `select count(*) || ' ' || coalesce(md5(string_agg(r, E'\n' order by r collate "C")), '') from (select x::text from only `+relation+` as x) as q (r)`))
	}
	return all
}

// wantSame compares two databases, but for what is left out of an export.
func wantSame(t *testing.T, original, restored map[string][]string, leftOut ...string) {
	t.Helper()
	without := func(lines []string) []string {
		return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			return slices.ContainsFunc(leftOut, func(word string) bool { return strings.Contains(line, word) })
		})
	}
	for name, lines := range original {
		if diff := cmp.Diff(without(lines), without(restored[name])); diff != "" {
			t.Errorf("%s: original (-), restored (+):\n%s", name, diff)
		}
	}
}
