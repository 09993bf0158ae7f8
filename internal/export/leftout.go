package export

import "sync"

// managed are the schemas that Supabase keeps for itself, with what is in them.
var managed = map[string]string{
	"vault":               "it holds secrets of the project",
	"pgsodium":            "it holds secrets of the project",
	"pgsodium_masks":      "it holds secrets of the project",
	"realtime":            "it is the vendor's own bookkeeping",
	"_realtime":           "it is the vendor's own bookkeeping",
	"_analytics":          "it is the vendor's own bookkeeping",
	"_supavisor":          "it is the vendor's own bookkeeping",
	"supabase_functions":  "it is the vendor's own bookkeeping",
	"pgbouncer":           "it is the vendor's own bookkeeping",
	"graphql":             "it is made from the other schemas",
	"graphql_public":      "it is made from the other schemas",
	"net":                 "it belongs to an extension that PostgreSQL itself doesn't have",
	"cron":                "it belongs to an extension that PostgreSQL itself doesn't have",
	"pgmq":                "it belongs to an extension that PostgreSQL itself doesn't have",
	"pgtle":               "it belongs to an extension that PostgreSQL itself doesn't have",
	"tiger":               "it belongs to an extension that PostgreSQL itself doesn't have",
	"tiger_data":          "it belongs to an extension that PostgreSQL itself doesn't have",
	"topology":            "it belongs to an extension that PostgreSQL itself doesn't have",
	"_timescaledb_config": "it belongs to an extension that PostgreSQL itself doesn't have",
}

// fleeting are Auth's tables of open sessions and of what would open one. They are made, and stay empty.
var fleeting = map[string]bool{
	"auth.sessions": true, "auth.refresh_tokens": true, "auth.mfa_amr_claims": true, "auth.mfa_challenges": true, "auth.flow_state": true,
	"auth.one_time_tokens": true, "auth.saml_relay_states": true, "auth.oauth_authorizations": true, "auth.oauth_client_states": true,
	"auth.webauthn_challenges": true,
}

// stock are the extensions that come with PostgreSQL 15 and need nothing else.
var stock = sync.OnceValue(func() []string {
	return []string{"adminpack", "amcheck", "autoinc", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dblink", "dict_int", "dict_xsyn", "earthdistance",
		"file_fdw", "fuzzystrmatch", "hstore", "insert_username", "intagg", "intarray", "isn", "lo", "ltree", "moddatetime", "old_snapshot", "pageinspect",
		"pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_surgery", "pg_trgm", "pg_visibility", "pg_walinspect", "pgcrypto", "pgrowlocks",
		"pgstattuple", "plpgsql", "postgres_fdw", "refint", "seg", "sslinfo", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "xml2"}
})

// everywhere is left out of every export.
var everywhere = []LeftOut{
	{"how things are stored", "tablespaces, access methods, compression, statistics targets, clustering and replica identities are the server's affair"},
	{"logins and passwords of roles", "roles are made without them"},
	{"rights on objects of extensions", "those are as the extension makes them"},
}

// others lists the objects of kinds that can't be written, with the reason. $1 is the list of schemas, $2 the stock extensions.
const others = `
with n as (select oid, nspname from pg_namespace where nspname = any ($1))
select class::oid, oid, why from (
	select 'pg_extension'::regclass, oid, 'PostgreSQL itself does not have it' from pg_extension where not extname = any ($2)
	union all select 'pg_proc'::regclass, p.oid, 'aggregates are not written' from pg_proc p join n on n.oid = pronamespace where prokind = 'a'
	union all select 'pg_proc'::regclass, p.oid, 'its language is ' || lanname from pg_proc p join n on n.oid = pronamespace join pg_language l on l.oid = prolang
		where prokind <> 'a' and lanname not in ('sql', 'plpgsql')
	union all select 'pg_type'::regclass, t.oid, 'it is a type of its own' from pg_type t join n on n.oid = typnamespace where typtype in ('b', 'p')
		and not exists (select from pg_type e where e.typarray = t.oid)
	union all select 'pg_type'::regclass, rngtypid, 'a function makes its values canonical' from pg_range join pg_type t on t.oid = rngtypid
		join n on n.oid = typnamespace where rngcanonical <> 0
	union all select 'pg_class'::regclass, c.oid, 'its rows are elsewhere' from pg_class c join n on n.oid = relnamespace where relkind = 'f'
	union all select 'pg_class'::regclass, c.oid, 'it is broken: what built it was ended' from pg_index join pg_class c on c.oid = indexrelid join n on n.oid = relnamespace
		where not indisvalid and relkind = 'i' and not exists (select from pg_constraint where conindid = c.oid and contype in ('p', 'u', 'x'))
	union all select 'pg_operator'::regclass, o.oid, 'operators are not written' from pg_operator o join n on n.oid = oprnamespace
	union all select 'pg_opclass'::regclass, o.oid, 'operator classes are not written' from pg_opclass o join n on n.oid = opcnamespace
	union all select 'pg_opfamily'::regclass, o.oid, 'operator families are not written' from pg_opfamily o join n on n.oid = opfnamespace
	union all select 'pg_conversion'::regclass, c.oid, 'conversions are not written' from pg_conversion c join n on n.oid = connamespace
	union all select 'pg_ts_config'::regclass, c.oid, 'text search is not written' from pg_ts_config c join n on n.oid = cfgnamespace
	union all select 'pg_ts_dict'::regclass, c.oid, 'text search is not written' from pg_ts_dict c join n on n.oid = dictnamespace
	union all select 'pg_ts_parser'::regclass, c.oid, 'text search is not written' from pg_ts_parser c join n on n.oid = prsnamespace
	union all select 'pg_ts_template'::regclass, c.oid, 'text search is not written' from pg_ts_template c join n on n.oid = tmplnamespace
	union all select 'pg_cast'::regclass, oid, 'casts are not written' from pg_cast
	union all select 'pg_transform'::regclass, oid, 'transforms are not written' from pg_transform
	union all select 'pg_language'::regclass, oid, 'languages are not written' from pg_language
	union all select 'pg_am'::regclass, oid, 'access methods are not written' from pg_am
	union all select 'pg_foreign_data_wrapper'::regclass, oid, 'it leads to another server' from pg_foreign_data_wrapper
	union all select 'pg_foreign_server'::regclass, oid, 'it leads to another server' from pg_foreign_server
	union all select 'pg_event_trigger'::regclass, oid, 'it is for the vendor''s or the server''s own use' from pg_event_trigger
	union all select 'pg_publication'::regclass, oid, 'it is for replication' from pg_publication
	union all select 'pg_largeobject'::regclass, oid, 'large objects are not written' from pg_largeobject_metadata
) as o (class, oid, why) where oid >= 16384 or class = 'pg_largeobject'::regclass order by 1, 2`

// settings lists what the catalog says besides objects. $1 is the list of schemas.
const settings = `
select 'security label on ' || pg_describe_object(classoid, objoid, objsubid), 'labels belong to a provider' from pg_seclabel
union all select 'setting ' || split_part(c, '=', 1) || ' of the database', 'it may be a secret, or of the vendor''s' from pg_db_role_setting s, unnest(s.setconfig) c
	where s.setdatabase = (select oid from pg_database where datname = current_database()) and s.setrole = 0
		and not c ~ '^search_path=[A-Za-z0-9_$", ]*$'
union all select format('setting %s of role %s', split_part(c, '=', 1), pg_get_userbyid(s.setrole)), 'roles are made without settings' from pg_db_role_setting s, unnest(s.setconfig) c
	where s.setdatabase = (select oid from pg_database where datname = current_database()) and s.setrole <> 0
union all select 'type of ' || c.oid::regclass, 'the table is made without naming the type it was made from' from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.reloftype <> 0 and n.nspname = any ($1)
order by 1`
