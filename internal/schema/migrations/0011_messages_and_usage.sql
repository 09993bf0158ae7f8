-- What was sent to whom, and how much in each month. The application's server writes messages, as service_role; the
-- database itself holds back what may not be sent, and counts.

create table public.messages (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id),
    campaign_id uuid, -- null: a single message
    contact_id uuid not null,
    channel text not null check (channel in ('sms', 'email')),
    subject text,
    body text not null check (char_length(body) between 1 and 20000),
    segments integer not null default 1 check (segments between 1 and 20), -- of an SMS
    status text not null default 'queued'
        check (status in ('queued', 'sending', 'sent', 'delivered', 'failed', 'unknown', 'skipped')),
    -- The vendor's id (Twilio's SID, SendGrid's message id) and error code
    vendor_id text unique,
    error_code text,
    created_by uuid references public.profiles (id) on delete set null,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    updated_at timestamptz not null default now(),
    foreign key (team_id, campaign_id) references public.campaigns (team_id, id),
    foreign key (team_id, contact_id) references public.contacts (team_id, id) on delete cascade,
    -- A campaign writes to a contact once.
    unique (campaign_id, contact_id)
);
create index messages_campaign_idx on public.messages (team_id, campaign_id, created_at desc);
create index messages_contact_idx on public.messages (team_id, contact_id, created_at desc);
create index messages_created_by_idx on public.messages (created_by, channel, sent_at);
create index messages_queue_idx on public.messages (created_at) where status = 'queued';
create index messages_created_idx on public.messages (created_at);

-- Months are UTC's, as the bill's are.
create table public.usage_counters (
    team_id uuid not null references public.teams (id),
    month date not null check (extract(day from month) = 1),
    channel text not null check (channel in ('sms', 'email')),
    messages integer not null default 0,
    segments integer not null default 0,
    updated_at timestamptz not null default now(),
    primary key (team_id, month, channel)
);
create index usage_counters_month_idx on public.usage_counters (month, channel);

create function private.is_quiet(at timestamptz, zone text, quiet_start time, quiet_end time) returns boolean
    language sql stable
    set search_path = ''
    as $$
        select case
            when quiet_start <= quiet_end then l.t >= quiet_start and l.t < quiet_end
            else l.t >= quiet_start or l.t < quiet_end -- over midnight
        end
        from (select (at at time zone zone)::time as t) l
    $$;

-- Refuses to begin sending what the contact, the hour, or a limit forbids. The limits are counted without a lock: senders
-- that run at once may go over by as many messages as they are.
create function private.check_sending() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    contact public.contacts;
    campaign public.campaigns;
    rules public.sending_rules;
    config public.instance_config;
    quota integer;
    month_begins timestamptz := date_trunc('month', now(), 'UTC');
begin
    select * into contact from public.contacts c where c.team_id = new.team_id and c.id = new.contact_id;
    select * into campaign from public.campaigns c where c.team_id = new.team_id and c.id = new.campaign_id;
    select * into rules from public.sending_rules;
    select * into config from public.instance_config;

    if new.campaign_id is not null and campaign.status <> 'running' then
        raise exception 'the campaign is not running' using errcode = 'GF001';
    end if;
    if (case new.channel when 'sms' then contact.sms_consent else contact.email_consent end) = 'opted_out'
        or contact.archived_at is not null then
        raise exception 'the contact may not be written to' using errcode = 'GF002';
    end if;
    if private.is_quiet(now(), coalesce(campaign.timezone, config.timezone, 'UTC'),
        coalesce(campaign.quiet_start, rules.quiet_start, '21:00'), coalesce(campaign.quiet_end, rules.quiet_end, '08:00')) then
        raise exception 'quiet hours' using errcode = 'GF003';
    end if;
    if (select coalesce(sum(u.messages), 0) from public.usage_counters u
            where u.month = (month_begins at time zone 'UTC')::date and u.channel = new.channel)
        >= (case new.channel when 'sms' then config.monthly_sms_limit else config.monthly_email_limit end) then
        raise exception 'the instance''s monthly limit is reached' using errcode = 'GF004';
    end if;
    select case new.channel when 'sms' then q.monthly_sms_limit else q.monthly_email_limit end into quota
        from public.user_quotas q where q.user_id = new.created_by;
    if quota is not null and quota <= (select count(*) from public.messages m
            where m.created_by = new.created_by and m.channel = new.channel and m.sent_at >= month_begins) then
        raise exception 'the user''s monthly quota is reached' using errcode = 'GF005';
    end if;
    if rules.daily_contact_limit <= (select count(*) from public.messages m where m.team_id = new.team_id
            and m.contact_id = new.contact_id and m.created_at > now() - interval '2 days' and m.sent_at > now() - interval '1 day') then
        raise exception 'the contact got enough messages today' using errcode = 'GF006';
    end if;
    if campaign.total_limit <= (select count(*) from public.messages m
            where m.team_id = new.team_id and m.campaign_id = new.campaign_id and m.sent_at is not null)
        or campaign.daily_limit <= (select count(*) from public.messages m
            where m.team_id = new.team_id and m.campaign_id = new.campaign_id and m.sent_at > now() - interval '1 day') then
        raise exception 'the campaign''s limit is reached' using errcode = 'GF007';
    end if;
    return new;
end
$$;

-- Counts a message when it is first known to be sent, and keeps when that was.
create function private.count_message() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    new.sent_at := now();
    insert into public.usage_counters as u (team_id, month, channel, messages, segments)
        values (new.team_id, date_trunc('month', now() at time zone 'UTC')::date, new.channel, 1, new.segments)
        on conflict (team_id, month, channel) do update
            set messages = u.messages + 1, segments = u.segments + excluded.segments, updated_at = now();
    return new;
end
$$;

-- What was counted stays counted: neither who pays for a message nor when it was sent changes afterwards.
create function private.keep_sent() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    new.team_id := old.team_id;
    new.channel := old.channel;
    new.sent_at := old.sent_at;
    return new;
end
$$;
revoke execute on function private.is_quiet(timestamptz, text, time, time), private.check_sending(), private.count_message(),
    private.keep_sent() from public;

-- Triggers of one event run in the order of their names.
create trigger a_check_sending before insert on public.messages
    for each row when (new.status in ('sending', 'sent', 'delivered')) execute function private.check_sending();
create trigger a_check_sending_again before update on public.messages
    for each row when (new.status = 'sending' and old.status <> 'sending' or old.status in ('queued', 'skipped') and new.status in ('sent', 'delivered'))
    execute function private.check_sending();
create trigger b_keep_sent before update on public.messages
    for each row when (old.sent_at is not null) execute function private.keep_sent();
create trigger c_count_message before insert on public.messages
    for each row when (new.status in ('sent', 'delivered')) execute function private.count_message();
create trigger c_count_message_later before update on public.messages
    for each row when (old.sent_at is null and new.status in ('sent', 'delivered')) execute function private.count_message();
create trigger set_updated_at before update on public.messages
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.messages enable row level security;
alter table public.usage_counters enable row level security;
revoke all on public.messages, public.usage_counters from anon, authenticated, service_role;
grant all on public.messages to service_role;

grant select on public.messages to authenticated;
create policy "read messages" on public.messages for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('messages.read')));

-- Only the triggers count.
grant select on public.usage_counters to authenticated, service_role;
create policy "read usage" on public.usage_counters for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('usage.read')));
