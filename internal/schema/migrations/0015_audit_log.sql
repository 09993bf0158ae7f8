-- Who changed what, when. It is written by triggers alone and never changed: not by service_role, and not by the owner of the
-- tables either. It holds keys and names of columns, and no value of any.

create table public.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor uuid, -- the user; null where no user asked for it
    actor_role text not null, -- the API's role, or the database's
    action text not null check (action in ('insert', 'update', 'delete')),
    table_name text not null,
    row_key text not null,
    team_id uuid,
    changed text[] not null default '{}'
);
create index audit_log_at_idx on public.audit_log (at desc);
create index audit_log_row_idx on public.audit_log (table_name, row_key, at desc);
create index audit_log_actor_idx on public.audit_log (actor, at desc);
create index audit_log_team_idx on public.audit_log (team_id, at desc);

create function private.refuse_change() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    raise insufficient_privilege using message = 'the audit log is only added to';
end
$$;
create trigger append_only before update or delete on public.audit_log
    for each row execute function private.refuse_change();
create trigger append_only_as_a_whole before truncate on public.audit_log
    for each statement execute function private.refuse_change();
-- Even where a session turns triggers off, as a replica would.
alter table public.audit_log enable always trigger append_only;
alter table public.audit_log enable always trigger append_only_as_a_whole;

-- Arguments: 'always', or 'if enabled' for what the instance's enable_audit_log decides; then the key's columns.
create function private.audit() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    before jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    after jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    content jsonb := case when tg_op = 'DELETE' then before else after end;
    columns text[] := '{}';
    key text;
begin
    if tg_argv[0] <> 'always' and not coalesce((select enable_audit_log from public.instance_config), true) then
        return null;
    end if;
    if tg_op = 'UPDATE' then
        select coalesce(array_agg(a.key order by a.key), '{}') into columns from jsonb_each(after) a
            where a.key <> 'updated_at' and a.value is distinct from before -> a.key;
        if columns = '{}' then
            return null;
        end if;
    end if;
    for i in 1 .. tg_nargs - 1 loop
        key := concat_ws('/', key, content ->> tg_argv[i]);
    end loop;
    insert into public.audit_log (actor, actor_role, action, table_name, row_key, team_id, changed)
        values ((select auth.uid()), coalesce((select auth.role()), session_user), lower(tg_op), tg_table_name, coalesce(key, ''),
            case when tg_table_name = 'teams' then (content ->> 'id')::uuid else (content ->> 'team_id')::uuid end, columns);
    return null;
end
$$;
revoke execute on function private.refuse_change(), private.audit() from public;

create trigger audit after insert or update or delete on public.instance_config
    for each row execute function private.audit('always', 'instance_id');
create trigger audit after insert or update or delete on public.profiles
    for each row execute function private.audit('always', 'id');
create trigger audit after insert or update or delete on public.roles
    for each row execute function private.audit('always', 'name');
create trigger audit after insert or update or delete on public.role_permissions
    for each row execute function private.audit('always', 'role', 'permission');
create trigger audit after insert or update or delete on public.user_roles
    for each row execute function private.audit('always', 'user_id', 'role');
create trigger audit after insert or update or delete on public.user_quotas
    for each row execute function private.audit('always', 'user_id');
create trigger audit after insert or update or delete on public.teams
    for each row execute function private.audit('always', 'id');
create trigger audit after insert or update or delete on public.team_members
    for each row execute function private.audit('always', 'team_id', 'user_id');
create trigger audit after insert or update or delete on public.webhooks
    for each row execute function private.audit('always', 'id');
create trigger audit after insert or delete on public.api_keys
    for each row execute function private.audit('always', 'id');
create trigger audit_change after update of name, prefix, key_hash, scopes, team_id, expires_at, revoked_at on public.api_keys
    for each row execute function private.audit('always', 'id');
create trigger audit after insert or update or delete on public.sending_rules
    for each row execute function private.audit('always', 'id');
create trigger audit after insert or update or delete on public.opt_out_texts
    for each row execute function private.audit('always', 'locale');
create trigger audit after insert or delete on public.retention_jobs
    for each row execute function private.audit('always', 'name');
create trigger audit_change after update of keep_days, enabled on public.retention_jobs
    for each row execute function private.audit('always', 'name');
create trigger audit after insert or update or delete on public.message_templates
    for each row execute function private.audit('if enabled', 'id');
create trigger audit after insert or update or delete on public.contacts
    for each row execute function private.audit('if enabled', 'id');
create trigger audit after insert or update or delete on public.campaigns
    for each row execute function private.audit('if enabled', 'id');

alter table public.audit_log enable row level security;
revoke all on public.audit_log from anon, authenticated, service_role;
revoke all on sequence public.audit_log_id_seq from anon, authenticated, service_role;
grant select on public.audit_log to authenticated, service_role;
create policy "read the audit log" on public.audit_log for select to authenticated
    using ((select private.may('audit.read')));
