-- What is deleted after how long.

create table public.retention_jobs (
    name text primary key check (name in ('messages', 'webhook_deliveries', 'archived_contacts')),
    description text not null,
    keep_days integer check (keep_days > 0), -- null: the instance's data_retention_days
    enabled boolean not null default true,
    last_run_at timestamptz,
    last_deleted integer,
    updated_at timestamptz not null default now()
);

create trigger set_updated_at before update on public.retention_jobs
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

-- Runs one job, 10,000 rows at most, and says how many it deleted: whoever runs it goes on until there are none. Contacts who
-- opted out are kept: forgetting them would let an import write to them again.
create function private.run_retention_job(job text) returns integer
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    oldest timestamptz;
    gone integer;
begin
    select now() - make_interval(days => coalesce(j.keep_days, (select c.data_retention_days from public.instance_config c), 730))
        into oldest from public.retention_jobs j where j.name = job and j.enabled for update;
    if not found then
        return 0;
    end if;
    case job
        when 'messages' then
            delete from public.messages where id in (
                select id from public.messages where created_at < oldest and status not in ('queued', 'sending') limit 10000);
        when 'webhook_deliveries' then
            delete from public.webhook_deliveries where id in (
                select id from public.webhook_deliveries where created_at < oldest and status <> 'pending' limit 10000);
        when 'archived_contacts' then
            delete from public.contacts where id in (
                select id from public.contacts where archived_at < oldest
                    and sms_consent <> 'opted_out' and email_consent <> 'opted_out' limit 10000);
    end case;
    get diagnostics gone = row_count;
    update public.retention_jobs set last_run_at = now(), last_deleted = gone where name = job;
    return gone;
end
$$;
revoke execute on function private.run_retention_job(text) from public;
grant execute on function private.run_retention_job(text) to service_role;

alter table public.retention_jobs enable row level security;
revoke all on public.retention_jobs from anon, authenticated;
grant all on public.retention_jobs to service_role;

grant select on public.retention_jobs to authenticated;
grant update (keep_days, enabled) on public.retention_jobs to authenticated;
create policy "read retention" on public.retention_jobs for select to authenticated
    using ((select private.may('settings.manage')));
create policy "change retention" on public.retention_jobs for update to authenticated
    using ((select private.may('settings.manage')))
    with check ((select private.may('settings.manage')));
