-- Limits count a message from when its sending begins, in records that outlive messages and contacts; campaigns write to those
-- only who opted in, and keep the instance's quiet hours.

-- Each sending that began and may have gone out. It has no foreign keys: it outlives what it names, and says only of an
-- address's hash who was written to.
create table private.sendings (
    id bigint generated always as identity primary key,
    message_id uuid not null,
    team_id uuid not null,
    campaign_id uuid,
    contact_id uuid not null,
    user_id uuid,
    channel text not null,
    address_hash bytea,
    at timestamptz not null default now()
);
create index sendings_message_idx on private.sendings (message_id);
create index sendings_campaign_address_idx on private.sendings (campaign_id, address_hash);
create index sendings_campaign_idx on private.sendings (campaign_id, at);
create index sendings_contact_idx on private.sendings (contact_id, at);
create index sendings_address_idx on private.sendings (address_hash, at);
create index sendings_user_idx on private.sendings (user_id, channel, at);
create index sendings_at_idx on private.sendings (at);

-- How many of a month there are. Its row is the lock that senders take in turn.
create table private.monthly_sendings (
    month date not null,
    channel text not null,
    messages integer not null,
    primary key (month, channel)
);
alter table private.sendings enable row level security;
alter table private.monthly_sendings enable row level security;
revoke all on private.sendings, private.monthly_sendings from public, anon, authenticated, service_role;

-- A campaign's own quiet hours come on top of the instance's, or take their place where somebody who manages the settings
-- says so.
alter table public.campaigns add column replaces_quiet_hours boolean not null default false;
grant insert (replaces_quiet_hours), update (replaces_quiet_hours) on public.campaigns to authenticated;

create function private.guard_quiet_hours() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    if (select auth.role()) = 'authenticated' and new.replaces_quiet_hours
        and (new.replaces_quiet_hours, new.quiet_start, new.quiet_end, new.timezone)
            is distinct from (old.replaces_quiet_hours, old.quiet_start, old.quiet_end, old.timezone)
        and not (select private.may('settings.manage')) then
        raise insufficient_privilege using message = 'the instance''s quiet hours stay';
    end if;
    return new;
end
$$;
create trigger guard_quiet_hours before insert or update on public.campaigns
    for each row execute function private.guard_quiet_hours();

create function private.is_quiet_for(campaign public.campaigns) returns boolean
    language plpgsql
    set search_path = ''
    as $$
declare
    rules public.sending_rules;
    zone text := coalesce((select c.timezone from public.instance_config c), 'UTC');
begin
    select * into rules from public.sending_rules;
    rules.quiet_start := coalesce(rules.quiet_start, '21:00');
    rules.quiet_end := coalesce(rules.quiet_end, '08:00');
    return private.is_quiet(now(), coalesce(campaign.timezone, zone),
            coalesce(campaign.quiet_start, rules.quiet_start), coalesce(campaign.quiet_end, rules.quiet_end))
        or not coalesce(campaign.replaces_quiet_hours, false) and private.is_quiet(now(), zone, rules.quiet_start, rules.quiet_end);
end
$$;

create function private.address_of(contact public.contacts, channel text) returns text
    language sql immutable
    set search_path = ''
    as $$
        select case channel when 'sms' then contact.phone else contact.email end
    $$;

-- Refuses what campaign, contact or hour forbid.
create function private.check_recipient(message public.messages) returns void
    language plpgsql
    set search_path = ''
    as $$
declare
    contact public.contacts;
    campaign public.campaigns;
    consent text;
begin
    select * into contact from public.contacts c where c.team_id = message.team_id and c.id = message.contact_id;
    select * into campaign from public.campaigns c where c.team_id = message.team_id and c.id = message.campaign_id;
    consent := case message.channel when 'sms' then contact.sms_consent else contact.email_consent end;
    if campaign.status <> 'running' then
        raise exception 'the campaign is not running' using errcode = 'GF001';
    end if;
    if campaign.channel <> message.channel then
        raise exception 'the campaign is for another channel' using errcode = 'GF008';
    end if;
    if contact.archived_at is not null or consent = 'opted_out' or campaign.id is not null and consent <> 'opted_in'
        or private.address_of(contact, message.channel) is null
        or private.is_suppressed(message.channel, private.address_of(contact, message.channel)) then
        raise exception 'the contact may not be written to' using errcode = 'GF002';
    end if;
    if private.is_quiet_for(campaign) then
        raise exception 'quiet hours' using errcode = 'GF003';
    end if;
end
$$;

-- Notes a sending, and gives its month's number of them. Months are UTC's, as the bill's are.
create function private.count_sending(message public.messages) returns integer
    language plpgsql
    set search_path = ''
    as $$
declare
    total integer;
begin
    insert into private.monthly_sendings as s (month, channel, messages)
        values (date_trunc('month', now() at time zone 'UTC')::date, message.channel, 1)
        on conflict (month, channel) do update set messages = s.messages + 1
        returning s.messages into total;
    insert into private.sendings (message_id, team_id, campaign_id, contact_id, user_id, channel, address_hash)
        select message.id, message.team_id, message.campaign_id, message.contact_id, message.created_by, message.channel,
            private.address_hash(private.address_of(c, message.channel))
        from public.contacts c where c.id = message.contact_id;
    return total;
end
$$;

-- Refuses a sending, counted already, that goes beyond a limit.
create function private.check_limits(message public.messages, total integer) returns void
    language plpgsql
    set search_path = ''
    as $$
declare
    config public.instance_config;
    quota public.user_quotas;
    campaign public.campaigns;
    own private.sendings;
    sms boolean := message.channel = 'sms';
begin
    select * into config from public.instance_config;
    select * into quota from public.user_quotas q where q.user_id = message.created_by;
    select * into campaign from public.campaigns c where c.id = message.campaign_id;
    select * into own from private.sendings s where s.message_id = message.id order by s.id desc limit 1;
    if total > (case when sms then config.monthly_sms_limit else config.monthly_email_limit end) then
        raise exception 'the instance''s monthly limit is reached' using errcode = 'GF004';
    end if;
    if (case when sms then quota.monthly_sms_limit else quota.monthly_email_limit end) < (select count(*) from private.sendings s
            where s.user_id = message.created_by and s.channel = message.channel and s.at >= date_trunc('month', now(), 'UTC')) then
        raise exception 'the user''s monthly quota is reached' using errcode = 'GF005';
    end if;
    if (select r.daily_contact_limit from public.sending_rules r) < (select count(*) from private.sendings s
            where s.team_id = message.team_id and (s.contact_id = message.contact_id or s.address_hash = own.address_hash)
                and s.at > now() - interval '1 day') then
        raise exception 'the contact got enough messages today' using errcode = 'GF006';
    end if;
    if campaign.total_limit < (select count(*) from private.sendings s where s.campaign_id = campaign.id)
        or campaign.daily_limit < (select count(*) from private.sendings s where s.campaign_id = campaign.id and s.at > now() - interval '1 day') then
        raise exception 'the campaign''s limit is reached' using errcode = 'GF007';
    end if;
    if exists (select from private.sendings s
            where s.campaign_id = campaign.id and s.address_hash = own.address_hash and s.message_id <> message.id) then
        raise exception 'the campaign wrote to this address already' using errcode = 'GF009';
    end if;
end
$$;

-- Refuses to begin sending what the contact, the hour, or a limit forbids. Counting holds the month's row until the transaction
-- ends, and what is read after it was had is up to date (in read committed, PostgreSQL's default): limits are exact, however
-- many send at once, but for a contact's day, which one SMS and one mail at once may pass together. A sender that leaves its
-- transaction open holds up the others.
create function private.begin_sending() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    perform private.check_recipient(new);
    perform private.check_limits(new, private.count_sending(new));
    return null;
end
$$;

-- A message that turned out not to be sent no longer counts; one that was given up and turned out to be sent does.
create function private.settle_sending() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    undone private.sendings;
begin
    if new.status in ('sent', 'delivered', 'unknown') then
        if not exists (select from private.sendings s where s.message_id = new.id) then
            perform private.count_sending(new);
        end if;
        return null;
    end if;
    delete from private.sendings s where s.id = (select max(l.id) from private.sendings l where l.message_id = new.id) returning * into undone;
    update private.monthly_sendings m set messages = m.messages - 1
        where m.channel = undone.channel and m.month = date_trunc('month', undone.at at time zone 'UTC')::date;
    return null;
end
$$;

-- When a message is first known to be sent is written here alone. From then on neither that nor who pays for it changes.
create or replace function private.keep_sent() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    if tg_op = 'UPDATE' and old.sent_at is not null then
        new.team_id := old.team_id;
        new.channel := old.channel;
        new.sent_at := old.sent_at;
    else
        new.sent_at := case when new.status in ('sent', 'delivered') then now() end;
    end if;
    return new;
end
$$;

-- Counts what was sent for the bill.
create or replace function private.count_message() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    insert into public.usage_counters as u (team_id, month, channel, messages, segments)
        values (new.team_id, date_trunc('month', now() at time zone 'UTC')::date, new.channel, 1, new.segments)
        on conflict (team_id, month, channel) do update
            set messages = u.messages + 1, segments = u.segments + excluded.segments, updated_at = now();
    return null;
end
$$;

-- What counts does so after the row was written: a row that a conflict keeps out isn't counted. Triggers of one event run in
-- the order of their names.
drop trigger a_check_sending on public.messages;
drop trigger a_check_sending_again on public.messages;
drop trigger b_keep_sent on public.messages;
drop trigger c_count_message on public.messages;
drop trigger c_count_message_later on public.messages;
drop function private.check_sending();
create trigger keep_sent before insert or update on public.messages
    for each row execute function private.keep_sent();
create trigger begin_sending after insert on public.messages
    for each row when (new.status in ('sending', 'sent', 'delivered', 'unknown')) execute function private.begin_sending();
create trigger begin_sending_later after update on public.messages
    for each row when (new.status = 'sending' and old.status <> 'sending'
        or old.status in ('queued', 'skipped') and new.status in ('sent', 'delivered', 'unknown'))
    execute function private.begin_sending();
create trigger settle_sending after update on public.messages
    for each row when (old.status in ('sending', 'unknown') and new.status in ('queued', 'failed', 'skipped')
        or old.status = 'failed' and new.status in ('sent', 'delivered', 'unknown'))
    execute function private.settle_sending();
create trigger count_message after insert on public.messages
    for each row when (new.sent_at is not null) execute function private.count_message();
create trigger count_message_later after update on public.messages
    for each row when (old.sent_at is null and new.sent_at is not null) execute function private.count_message();

revoke execute on function private.guard_quiet_hours(), private.is_quiet_for(public.campaigns), private.address_of(public.contacts, text),
    private.check_recipient(public.messages), private.count_sending(public.messages), private.check_limits(public.messages, integer),
    private.begin_sending(), private.settle_sending() from public;

-- What was sent before, and what may be on its way.
insert into private.sendings (message_id, team_id, campaign_id, contact_id, user_id, channel, address_hash, at)
    select m.id, m.team_id, m.campaign_id, m.contact_id, m.created_by, m.channel, private.address_hash(private.address_of(c, m.channel)),
        coalesce(m.sent_at, m.updated_at)
    from public.messages m join public.contacts c on c.id = m.contact_id
    where m.sent_at is not null or m.status in ('sending', 'unknown');
insert into private.monthly_sendings (month, channel, messages)
    select month, channel, sum(messages) from (
        select month, channel, messages from public.usage_counters
        union all
        select date_trunc('month', updated_at at time zone 'UTC')::date, channel, 1 from public.messages
            where sent_at is null and status in ('sending', 'unknown')) as began
    group by month, channel;
