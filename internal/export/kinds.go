package export

// kind is a sort of object of the catalog: the query gives class, oid and what creates it. $1 is the list of schemas.
type kind struct {
	query string
	late  bool // made after the rows are in, unless something earlier needs it
	key   bool // made last: what it says may be untrue of tables that are of different moments
}

// kinds are all that are written, in the order that they have where nothing depends on anything.
func kinds() []kind {
	return []kind{{query: schemas}, {query: extensions}, {query: collations}, {query: enums}, {query: domains}, {query: composites}, {query: ranges},
		{query: functions}, {query: tables}, {query: sequences}, {query: defaults}, {query: views},
		{query: constraints, late: true}, {query: indexes, late: true}, {query: statistics, late: true}, {query: rules, late: true},
		{query: triggers, late: true}, {query: policies, late: true}, {query: foreignKeys, late: true, key: true}}
}

// collation is a column's, where it isn't its type's.
const collation = `coalesce((select format(' collate %I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
	where co.oid = a.attcollation and a.attcollation <> t.typcollation), '')`

// attached makes an index part of its parent's, where it has one.
func attached(index string) string {
	return `coalesce((select format(E'\nalter index %I.%I attach partition %I.%I;', pn.nspname, pc.relname, cn.nspname, cc.relname)
	from pg_inherits h join pg_class pc on pc.oid = h.inhparent join pg_namespace pn on pn.oid = pc.relnamespace
		join pg_class cc on cc.oid = h.inhrelid join pg_namespace cn on cn.oid = cc.relnamespace
	where h.inhrelid = ` + index + `), '')`
}

// options are a relation's, views' among them.
const options = `case when c.reloptions is not null then ' with (' || array_to_string(c.reloptions, ', ') || ')' else '' end`

const schemas = `select 'pg_namespace'::regclass::oid, n.oid, format('create schema if not exists %I;', n.nspname)
	from pg_namespace n where n.nspname = any ($1)`

const extensions = `select 'pg_extension'::regclass::oid, e.oid, format('create extension if not exists %I with schema %I;', e.extname, n.nspname)
	from pg_extension e join pg_namespace n on n.oid = e.extnamespace
	where e.extname = any ($2) and e.extname <> 'plpgsql' and $1::text[] is not null`

// The column of a locale was renamed, and renamed again.
const collations = `select 'pg_collation'::regclass::oid, c.oid, format('create collation %I.%I (provider = %s, %s, deterministic = %s);', n.nspname, c.collname,
		case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
		case when c.collprovider = 'c' then format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype)
			else format('locale = %L', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate)) end
			|| coalesce(', rules = ' || quote_literal(to_jsonb(c) ->> 'collicurules'), ''),
		c.collisdeterministic::text)
	from pg_collation c join pg_namespace n on n.oid = c.collnamespace where n.nspname = any ($1)`

const enums = `select 'pg_type'::regclass::oid, t.oid, format('create type %I.%I as enum (%s);', n.nspname, t.typname,
		(select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
	from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'e' and n.nspname = any ($1)`

// A domain is made with its checks: a column in a composite type would forbid adding them later.
const domains = `select 'pg_type'::regclass::oid, d.oid, format('create domain %I.%I as %s%s%s%s%s;', n.nspname, d.typname, format_type(d.typbasetype, d.typtypmod),
		coalesce((select format(' collate %I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
			where co.oid = d.typcollation and d.typcollation <> b.typcollation), ''),
		coalesce(' default ' || pg_get_expr(d.typdefaultbin, 0), ''), case when d.typnotnull then ' not null' else '' end,
		(select string_agg(format(' constraint %I %s', o.conname, pg_get_constraintdef(o.oid)), '' order by o.conname)
			from pg_constraint o where o.contypid = d.oid and o.contype = 'c' and o.convalidated))
	from pg_type d join pg_namespace n on n.oid = d.typnamespace join pg_type b on b.oid = d.typbasetype where d.typtype = 'd' and n.nspname = any ($1)`

const composites = `select 'pg_type'::regclass::oid, y.oid, format('create type %I.%I as (%s);', n.nspname, y.typname,
		(select string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod), ` + collation + `), ', ' order by a.attnum)
			from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
	from pg_type y join pg_namespace n on n.oid = y.typnamespace join pg_class c on c.oid = y.typrelid and c.relkind = 'c'
	where y.typtype = 'c' and n.nspname = any ($1)`

const ranges = `select 'pg_type'::regclass::oid, y.oid, format('create type %I.%I as range (subtype = %s, subtype_opclass = %I.%I, multirange_type_name = %I.%I%s%s);',
		n.nspname, y.typname, format_type(r.rngsubtype, null), pn.nspname, p.opcname, mn.nspname, m.typname,
		coalesce((select format(', collation = %I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
			where co.oid = r.rngcollation), ''),
		case when r.rngsubdiff <> 0 then ', subtype_diff = ' || r.rngsubdiff else '' end)
	from pg_range r join pg_type y on y.oid = r.rngtypid join pg_namespace n on n.oid = y.typnamespace
		join pg_type m on m.oid = r.rngmultitypid join pg_namespace mn on mn.oid = m.typnamespace
		join pg_opclass p on p.oid = r.rngsubopc join pg_namespace pn on pn.oid = p.opcnamespace
	where n.nspname = any ($1) and r.rngcanonical = 0`

// What an identity column counts by is made with the column.
const sequences = `select 'pg_class'::regclass::oid, c.oid,
		format('create sequence %I.%I as %s increment by %s minvalue %s maxvalue %s start with %s cache %s%s;', n.nspname, c.relname,
			format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' else '' end)
		|| coalesce((select format(E'\nalter sequence %I.%I owned by %I.%I.%I;', n.nspname, c.relname, tn.nspname, tc.relname, a.attname)
			from pg_depend d join pg_class tc on tc.oid = d.refobjid join pg_namespace tn on tn.oid = tc.relnamespace
				join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
			where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'), '')
	from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = any ($1) and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')`

// A table's own statements come before its children are there. A partition is made as a table of its own and attached, so that its columns keep their order. It takes its identity from its parent.
const tables = `select 'pg_class'::regclass::oid, c.oid, format('create %stable %I.%I (%s)%s%s%s;', case when c.relpersistence = 'u' then 'unlogged ' else '' end,
		n.nspname, c.relname,
		(select string_agg(format(E'\n    %I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), ` + collation + `,
				case a.attgenerated when '' then '' else format(' generated always as (%s) %s', pg_get_expr(d.adbin, d.adrelid),
					case a.attgenerated when 's' then 'stored' else 'virtual' end) end,
				case when a.attnotnull then ' not null' else '' end), ',' order by a.attnum)
			from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
			where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (a.attislocal or c.relispartition)),
		case when c.relispartition then '' else coalesce((select ' inherits (' || string_agg(format('%I.%I', pn.nspname, p.relname), ', ' order by h.inhseqno) || ')'
			from pg_inherits h join pg_class p on p.oid = h.inhparent join pg_namespace pn on pn.oid = p.relnamespace where h.inhrelid = c.oid), '') end,
		case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end, ` + options + `)
	|| coalesce((select string_agg(format(E'\nalter table %I.%I alter column %I ', n.nspname, c.relname, a.attname) || ch.what || ';', '' order by a.attnum, ch.what)
		from pg_attribute a join pg_type t on t.oid = a.atttypid, lateral (
			select 'set not null' where a.attnotnull and not a.attislocal and not c.relispartition
			union all select 'set storage ' || case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
				where a.attstorage <> t.typstorage
			union all select format('add generated %s as identity (sequence name %I.%I increment by %s minvalue %s maxvalue %s start with %s cache %s%s)',
					case a.attidentity when 'a' then 'always' else 'by default' end, sn.nspname, sc.relname,
					s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' else '' end)
				from pg_depend d join pg_sequence s on s.seqrelid = d.objid join pg_class sc on sc.oid = d.objid join pg_namespace sn on sn.oid = sc.relnamespace
				where a.attidentity <> '' and not c.relispartition and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
					and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i') as ch (what)
		where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '')
	|| coalesce((select format(E'\nalter table only %I.%I attach partition %I.%I %s;', pn.nspname, p.relname, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid))
		from pg_inherits h join pg_class p on p.oid = h.inhparent join pg_namespace pn on pn.oid = p.relnamespace
		where c.relispartition and h.inhrelid = c.oid), '')
	from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname = any ($1)`

const defaults = `select 'pg_attrdef'::regclass::oid, d.oid, format('alter table only %I.%I alter column %I set default %s;', n.nspname, c.relname, a.attname,
		pg_get_expr(d.adbin, d.adrelid))
	from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
	where a.attgenerated = '' and c.relkind in ('r', 'p', 'v') and n.nspname = any ($1)`

const functions = `select 'pg_proc'::regclass::oid, p.oid, pg_get_functiondef(p.oid) || ';'
	from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
	where p.prokind in ('f', 'p', 'w') and l.lanname in ('sql', 'plpgsql') and n.nspname = any ($1)`

const views = `select 'pg_class'::regclass::oid, c.oid, case c.relkind when 'v' then format(E'create view %I.%I%s as\n%s', n.nspname, c.relname, ` + options + `, pg_get_viewdef(c.oid))
		else format(E'create materialized view %I.%I%s as\n%s\nwith no data;', n.nspname, c.relname, ` + options + `, rtrim(pg_get_viewdef(c.oid), ';')) end
	from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm') and n.nspname = any ($1)`

// Those of partitions that come with their parent's are left to it, but for the ones with an index, whose names would be lost.
var constraints = `select 'pg_constraint'::regclass::oid, o.oid, format('alter table %s%I.%I add constraint %I %s;', case when o.contype in ('p', 'u', 'x') then 'only ' else '' end,
		n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid)) || ` + attached("o.conindid") + `
	from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = any ($1) and c.relkind in ('r', 'p') and (o.contype in ('p', 'u', 'x') or o.contype = 'c' and o.conislocal)
	union all select 'pg_constraint'::regclass::oid, o.oid, format('alter domain %I.%I add constraint %I %s;', n.nspname, t.typname, o.conname, pg_get_constraintdef(o.oid))
	from pg_constraint o join pg_type t on t.oid = o.contypid join pg_namespace n on n.oid = t.typnamespace
	where n.nspname = any ($1) and o.contype = 'c' and not o.convalidated`

const foreignKeys = `select 'pg_constraint'::regclass::oid, o.oid, format('alter table %I.%I add constraint %I %s;', n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid))
	from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = any ($1) and c.relkind in ('r', 'p') and o.contype = 'f' and o.conparentid = 0`

var indexes = `select 'pg_class'::regclass::oid, i.indexrelid, pg_get_indexdef(i.indexrelid) || ';' || ` + attached("i.indexrelid") + `
	from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = any ($1) and c.relkind in ('r', 'p', 'm') and (i.indisvalid or x.relkind = 'I')
		and not exists (select from pg_constraint o where o.conindid = i.indexrelid and o.contype in ('p', 'u', 'x'))`

const triggers = `select 'pg_trigger'::regclass::oid, g.oid, pg_get_triggerdef(g.oid) || ';' || case g.tgenabled when 'O' then '' else
		format(E'\nalter table %I.%I %s trigger %I;', n.nspname, c.relname, case g.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, g.tgname) end
	from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
	where not g.tgisinternal and g.tgparentid = 0 and c.relkind in ('r', 'p', 'v') and n.nspname = any ($1)`

const rules = `select 'pg_rewrite'::regclass::oid, r.oid, pg_get_ruledef(r.oid) || case r.ev_enabled when 'O' then '' else
		format(E'\nalter table %I.%I %s rule %I;', n.nspname, c.relname, case r.ev_enabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, r.rulename) end
	from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
	where r.rulename <> '_RETURN' and c.relkind in ('r', 'p', 'v') and n.nspname = any ($1)`

const policies = `select 'pg_policy'::regclass::oid, p.oid, format('create policy %I on %I.%I as %s for %s to %s%s%s;', p.polname, n.nspname, c.relname,
		case when p.polpermissive then 'permissive' else 'restrictive' end,
		case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
		(select string_agg(case when u.role = 0 then 'public' else quote_ident(pg_get_userbyid(u.role)) end, ', ' order by pg_get_userbyid(u.role)) from unnest(p.polroles) u (role)),
		E'\n    using (' || pg_get_expr(p.polqual, p.polrelid) || ')', E'\n    with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
	from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = any ($1)`

const statistics = `select 'pg_statistic_ext'::regclass::oid, s.oid, pg_get_statisticsobjdef(s.oid) || ';'
	from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = any ($1)`
