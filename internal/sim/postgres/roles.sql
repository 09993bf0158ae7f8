-- The roles of a Supabase project. On Supabase each project has a server of its own; here all projects share one, so
-- these roles are shared as well. None of them may log in: projects' own logins ("postgres.<ref>") become postgres.
do $$
declare
    name text;
begin
    foreach name in array array['anon', 'authenticated', 'service_role', 'authenticator', 'postgres'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin noinherit', name);
        end if;
    end loop;
end
$$;

alter role service_role bypassrls;
-- Supabase's postgres is no superuser, but it isn't held back by row-level security.
alter role postgres inherit bypassrls;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres;

-- A project's login may connect to its own database only.
revoke connect on database postgres, template1 from public;
