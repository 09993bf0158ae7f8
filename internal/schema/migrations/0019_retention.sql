-- Retention that the application's server can run, that spares what is still being worked on, and that can't be set to fail.

-- A hundred years at most: beyond some thousands there is no date.
update public.instance_config set data_retention_days = 36500 where data_retention_days > 36500;
alter table public.instance_config add constraint instance_config_retention_bounded check (data_retention_days <= 36500);
update public.retention_jobs set keep_days = 36500 where keep_days > 36500;
alter table public.retention_jobs add constraint retention_jobs_keep_bounded check (keep_days <= 36500);

-- What is older than this a job deletes; null where it is off. With gdpr_enabled no job is off, and none keeps anything for
-- longer than data_retention_days.
create function private.kept_since(job text) returns timestamptz
    language sql stable security definer
    set search_path = ''
    as $$
        select now() - make_interval(days => case when c.gdpr_enabled then least(j.keep_days, c.data_retention_days)
            else coalesce(j.keep_days, c.data_retention_days, 730) end)
        from public.retention_jobs j left join public.instance_config c on true
        where j.name = job and (j.enabled or c.gdpr_enabled)
    $$;

create function private.is_unfinished(campaign uuid) returns boolean
    language sql stable
    set search_path = ''
    as $$
        select exists (select from public.campaigns c where c.id = campaign and c.status not in ('finished', 'cancelled'))
    $$;

-- Forgets sendings that no limit asks for any more.
create function private.forget_sendings(oldest timestamptz) returns void
    language sql
    set search_path = ''
    as $$
        delete from private.sendings where id in (
            select id from private.sendings
            where at < least(oldest, date_trunc('month', now(), 'UTC'), now() - interval '2 days') and not private.is_unfinished(campaign_id)
            limit 10000)
    $$;

-- Runs one job, 1,000 rows at most, and says how many it deleted: whoever runs it goes on while it is a thousand. What is on its
-- way, and what belongs to a campaign that isn't over, stays, and so do contacts who opted out, with the proof of it.
create or replace function private.run_retention_job(job text) returns integer
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    oldest timestamptz;
    gone integer;
begin
    perform from public.retention_jobs j where j.name = job for update;
    oldest := private.kept_since(job);
    if oldest is null then
        return 0;
    end if;
    case job
        when 'messages' then
            delete from public.messages where id in (
                select id from public.messages where created_at < oldest and status not in ('queued', 'sending')
                    and not private.is_unfinished(campaign_id) limit 1000);
        when 'webhook_deliveries' then
            delete from public.webhook_deliveries where id in (
                select id from public.webhook_deliveries where created_at < oldest and status <> 'pending' limit 1000);
        when 'archived_contacts' then
            delete from public.contacts where id in (
                select c.id from public.contacts c where c.archived_at < oldest
                    and c.sms_consent <> 'opted_out' and c.email_consent <> 'opted_out'
                    and not exists (select from public.messages m where m.team_id = c.team_id and m.contact_id = c.id
                        and (m.status in ('queued', 'sending') or private.is_unfinished(m.campaign_id)))
                limit 1000);
    end case;
    get diagnostics gone = row_count;
    if job = 'messages' then
        perform private.forget_sendings(oldest);
    end if;
    update public.retention_jobs set last_run_at = now(), last_deleted = gone where name = job;
    return gone;
end
$$;

-- Runs every job that isn't off, for five seconds and one batch of each job at most, and says how many rows each deleted and
-- whether it is done for now. The application's server calls it daily, as POST /rest/v1/rpc/run_retention, and again while a job
-- isn't finished.
create function public.run_retention() returns table (job text, deleted integer, finished boolean)
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    batch integer;
    until timestamptz := clock_timestamp() + interval '5 seconds';
begin
    for job in select j.name from public.retention_jobs j where private.kept_since(j.name) is not null
        order by j.last_run_at nulls first, j.name
    loop
        deleted := 0;
        loop
            batch := private.run_retention_job(job);
            deleted := deleted + batch;
            finished := batch < 1000;
            exit when finished or clock_timestamp() > until;
        end loop;
        update public.retention_jobs j set last_deleted = deleted where j.name = job;
        return next;
    end loop;
end
$$;
revoke execute on function private.kept_since(text), private.is_unfinished(uuid), private.forget_sendings(timestamptz) from public;
revoke execute on function public.run_retention() from public, anon, authenticated;
grant execute on function public.run_retention() to service_role;
