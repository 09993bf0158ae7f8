package export

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// fullRights counts all the rights there are on a kind of object. Who has them is granted all, by which name later versions of
// PostgreSQL have more.
const fullRights = `(select count(*) from aclexplode(acldefault(min(c.kind::text)::"char", 10)) f where f.grantee = 10)`

// entries are the access-control lists of the objects in $1 and $2, and of their columns, entry by entry: what is granted beyond
// what is so by default, and what of that is revoked. A new database's schema public may be used by everybody.
const entries = `
with o (class, oid, sub, kind, owner, acl) as (
	select u.class, u.oid, x.sub, x.kind, x.owner, x.acl from unnest($1::oid[], $2::oid[]) as u (class, oid), lateral (
		select 0, 'n'::"char", nspowner, nspacl from pg_namespace n where u.class = 'pg_namespace'::regclass and n.oid = u.oid
		union all select 0, (case relkind when 'S' then 's' else 'r' end)::"char", relowner, relacl from pg_class c
			where u.class = 'pg_class'::regclass and c.oid = u.oid and relkind in ('r', 'p', 'v', 'm', 'S')
		union all select attnum, 'c'::"char", relowner, attacl from pg_class c join pg_attribute a on a.attrelid = c.oid
			where u.class = 'pg_class'::regclass and c.oid = u.oid and attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm')
		union all select 0, 'f'::"char", proowner, proacl from pg_proc p where u.class = 'pg_proc'::regclass and p.oid = u.oid
		union all select 0, 'T'::"char", typowner, typacl from pg_type t where u.class = 'pg_type'::regclass and t.oid = u.oid) as x (sub, kind, owner, acl)
	where x.acl is not null),
have as (select class, oid, sub, kind, owner, grantee, grantor, privilege_type, is_grantable from o, aclexplode(o.acl)),
usual as (select class, oid, sub, kind, owner, grantee, privilege_type from o, aclexplode(acldefault(o.kind, o.owner)) where sub = 0
	union select 'pg_namespace'::regclass, oid, 0, 'n', nspowner, 0, 'USAGE' from pg_namespace where nspname = 'public' and nspacl is not null),
change (class, oid, sub, kind, verb, owner, grantee, grantor, privilege, grantable) as (
	select class, oid, sub, kind, 'grant', owner, grantee, grantor, privilege_type, is_grantable from have h where not exists (
		select from usual u where (u.class, u.oid, u.sub, u.grantee, u.privilege_type) = (h.class, h.oid, h.sub, h.grantee, h.privilege_type))
	union all select class, oid, sub, kind, 'revoke', owner, grantee, owner, privilege_type, false from usual u where not exists (
		select from have h where (u.class, u.oid, u.sub, u.grantee, u.privilege_type) = (h.class, h.oid, h.sub, h.grantee, h.privilege_type)))
select c.class::oid, c.oid, c.verb, case when c.grantee = 0 then '' else pg_get_userbyid(c.grantee) end, coalesce(g.rolsuper, false), c.grantable, c.grantor = c.owner,
	case when min(c.sub) = 0 and count(*) = ` + fullRights + ` then 'all'
		else string_agg(c.privilege || case when c.sub = 0 then '' else format(' (%I)', a.attname) end, ', ' order by a.attname collate "C", c.privilege collate "C") end
from change c left join pg_attribute a on c.class = 'pg_class'::regclass and a.attrelid = c.oid and a.attnum = c.sub and c.sub > 0
	left join pg_roles g on g.oid = c.grantee and c.grantee = c.owner
group by 1, 2, 3, 4, 5, 6, 7, (c.sub > 0) order by 1, 2, 3 desc, 4, 6, 7, 8`

// rights are the statements that grant and revoke, and the roles they name.
func (c *catalog) rights(ctx context.Context, classes, oids []uint32, byID map[id]*object) (sql []string, roles []string, err error) {
	rows, err := c.tx.Query(ctx, entries, classes, oids)
	if err != nil {
		return nil, nil, err
	}
	var at id
	var verb, role, privileges string
	var super, grantable, byOwner bool
	_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &verb, &role, &super, &grantable, &byOwner, &privileges}, func() error {
		o := byID[at]
		if super { // whoever restores owns it, and holds its rights
			return nil
		}
		if !byOwner {
			c.leftOut = append(c.leftOut, LeftOut{fmt.Sprintf("who granted %s on %s to %s", privileges, o.identity, orPublic(role)), "rights are granted by the owner"})
		}
		sql = append(sql, grant(verb, privileges, grantSort(o.sort)+" "+o.identity, role, grantable))
		if role != "" {
			roles = append(roles, role)
		}
		return nil
	})
	slices.SortStableFunc(sql, func(a, b string) int { return strings.Compare(verbOf(b), verbOf(a)) }) // revoke first
	return sql, roles, err
}

func verbOf(sql string) string { verb, _, _ := strings.Cut(sql, " "); return verb }

// grant is a statement that grants or revokes.
func grant(verb, privileges, on, role string, grantable bool) string {
	if verb == "revoke" {
		return fmt.Sprintf("revoke %s on %s from %s;", privileges, on, orPublic(quoted(role)))
	}
	option := ""
	if grantable {
		option = " with grant option"
	}
	return fmt.Sprintf("grant %s on %s to %s%s;", privileges, on, orPublic(quoted(role)), option)
}

func quoted(role string) string {
	if role == "" {
		return ""
	}
	return pgx.Identifier{role}.Sanitize()
}

func orPublic(role string) string {
	if role == "" {
		return "public"
	}
	return role
}

// grantSort is what GRANT calls a sort of object.
func grantSort(sort string) string {
	switch sort {
	case "view", "materialized view":
		return "table"
	}
	return sort
}

// future are the rights on objects that are yet to be made, as entries has them.
const future = `
with d (role, schema, kind, acl, usual) as (
	select defaclrole, defaclnamespace, defaclobjtype, defaclacl,
		case when defaclnamespace = 0 then acldefault(case defaclobjtype when 'S' then 's'::"char" else defaclobjtype end, defaclrole) else acldefault('c', defaclrole) end
	from pg_default_acl where defaclnamespace = 0 or defaclnamespace in (select oid from pg_namespace where nspname = any ($1))),
change (role, schema, kind, verb, grantee, privilege, grantable) as (
	select role, schema, kind, 'grant', grantee, privilege_type, is_grantable from d, aclexplode(d.acl)
	except select role, schema, kind, 'grant', grantee, privilege_type, is_grantable from d, aclexplode(d.usual)
	union all (select role, schema, kind, 'revoke', grantee, privilege_type, false from d, aclexplode(d.usual)
		except select role, schema, kind, 'revoke', grantee, privilege_type, false from d, aclexplode(d.acl)))
select pg_get_userbyid(c.role)::text, coalesce(n.nspname::text, ''), case c.kind when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end,
	c.verb, case when c.grantee = 0 then '' else pg_get_userbyid(c.grantee)::text end, c.grantable,
	case when count(*) = (select count(*) from aclexplode(acldefault(case c.kind when 'S' then 's'::"char" else c.kind end, 10)) f where f.grantee = 10) then 'all'
		else string_agg(c.privilege, ', ' order by c.privilege collate "C") end
from change c left join pg_namespace n on n.oid = c.schema
group by 1, 2, 3, 4, 5, 6, c.kind order by 1, 2, 3, 4 desc, 5, 6`

// futureRights are the statements of default privileges, and the roles they name.
func (c *catalog) futureRights(ctx context.Context) (sql []string, roles []string, err error) {
	rows, err := c.tx.Query(ctx, future, c.schemas)
	if err != nil {
		return nil, nil, err
	}
	var of, schema, sort, verb, role, privileges string
	var grantable bool
	_, err = pgx.ForEachRow(rows, []any{&of, &schema, &sort, &verb, &role, &grantable, &privileges}, func() error {
		in := ""
		if schema != "" {
			in = " in schema " + quoted(schema)
		}
		sql = append(sql, "alter default privileges for role "+quoted(of)+in+" "+grant(verb, privileges, sort, role, grantable))
		for _, name := range []string{of, role} {
			if name != "" {
				roles = append(roles, name)
			}
		}
		return nil
	})
	return sql, roles, err
}

// owners gives each object to its owner, unless that is a superuser or a role of the system's. An owned sequence goes with its table.
func (c *catalog) owners(ctx context.Context, classes, oids []uint32, byID map[id]*object) (sql []string, roles []string, err error) {
	rows, err := c.tx.Query(ctx, `select u.class, u.oid, r.rolname::text from unnest($1::oid[], $2::oid[]) as u (class, oid), lateral (
			select nspowner from pg_namespace o where u.class = 'pg_namespace'::regclass and o.oid = u.oid
			union all select relowner from pg_class o where u.class = 'pg_class'::regclass and o.oid = u.oid and relkind in ('r', 'p', 'v', 'm', 'S')
				and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = o.oid and relkind = 'S' and d.deptype = 'a')
			union all select proowner from pg_proc o where u.class = 'pg_proc'::regclass and o.oid = u.oid
			union all select typowner from pg_type o where u.class = 'pg_type'::regclass and o.oid = u.oid
			union all select collowner from pg_collation o where u.class = 'pg_collation'::regclass and o.oid = u.oid
			union all select stxowner from pg_statistic_ext o where u.class = 'pg_statistic_ext'::regclass and o.oid = u.oid) as o (owner)
		join pg_roles r on r.oid = o.owner where not r.rolsuper and r.rolname !~ '^pg_' order by u.class, u.oid`, classes, oids)
	if err != nil {
		return nil, nil, err
	}
	var at id
	var owner string
	_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &owner}, func() error {
		o := byID[at]
		sql = append(sql, fmt.Sprintf("alter %s %s owner to %s;", o.sort, o.identity, quoted(owner)))
		roles = append(roles, owner)
		return nil
	})
	return sql, roles, err
}

// roles makes those that are missing where the export is restored, and makes them members of each other as they are here.
func (c *catalog) roles(ctx context.Context, names []string) (string, error) {
	var sql string
	err := c.tx.QueryRow(ctx, `
		with r as (select * from pg_roles where rolname = any ($1) and rolname !~ '^pg_')
		select coalesce((select string_agg(format('do %L;', format('begin if not exists (select from pg_catalog.pg_roles where rolname = %L) then create role %I nologin%s%s; end if; end', rolname, rolname,
				case when rolinherit then '' else ' noinherit' end, case when rolbypassrls and not rolsuper then ' bypassrls' else '' end)), E'\n' order by rolname collate "C") from r), '')
			|| coalesce((select string_agg(distinct format(E'\ngrant %I to %I;', g.rolname, m.rolname), '') from pg_auth_members a join r g on g.oid = a.roleid join r m on m.oid = a.member
				where not m.rolsuper), '')`, names).Scan(&sql)
	return sql, err
}

// policyRoles are the roles that policies name.
func (c *catalog) policyRoles(ctx context.Context) ([]string, error) {
	rows, err := c.tx.Query(ctx, `select distinct pg_get_userbyid(u.role)::text from pg_policy p join pg_class c on c.oid = p.polrelid
		join pg_namespace n on n.oid = c.relnamespace, unnest(p.polroles) u (role) where u.role <> 0 and n.nspname = any ($1)`, c.schemas)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
