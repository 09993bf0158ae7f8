-- Campaigns, the rules that all sending keeps, and how contacts opt out in their language.

create table public.opt_out_texts (
    locale varchar(35) primary key,
    -- The word that a reply holds, and what is said of it at the end of a message
    keyword text not null check (char_length(keyword) between 1 and 20),
    sms_notice text not null check (char_length(sms_notice) between 1 and 100),
    email_notice text not null check (char_length(email_notice) between 1 and 500),
    updated_at timestamptz not null default now()
);

create function private.is_timezone(name text) returns boolean
    language plpgsql stable
    set search_path = ''
    as $$
begin
    perform timestamptz 'epoch' at time zone name;
    return true;
exception when invalid_parameter_value then
    return false;
end
$$;
revoke execute on function private.is_timezone(text) from public;
grant execute on function private.is_timezone(text) to authenticated, service_role;

-- One row. Nothing is sent from quiet_start until quiet_end, in the campaign's time zone or else the instance's; equal
-- times mean no quiet hours.
create table public.sending_rules (
    id boolean primary key default true check (id),
    sender_name text not null check (char_length(sender_name) between 1 and 200),
    vertical text not null,
    locale varchar(35) not null references public.opt_out_texts (locale),
    quiet_start time not null default '21:00',
    quiet_end time not null default '08:00',
    -- Messages to one contact within 24 hours; null sets no limit
    daily_contact_limit integer default 3 check (daily_contact_limit > 0),
    updated_at timestamptz not null default now()
);
create index sending_rules_locale_idx on public.sending_rules (locale);

create table public.campaigns (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id),
    name text not null check (char_length(name) between 1 and 200),
    channel text not null check (channel in ('sms', 'email')),
    status text not null default 'draft'
        check (status in ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled')),
    template_id uuid,
    -- What is sent; a template's text is copied here and may be changed
    subject text check (char_length(subject) between 1 and 200),
    body text not null default '' check (char_length(body) <= 20000),
    opt_out_locale varchar(35) not null references public.opt_out_texts (locale),
    -- Limits; null sets none beyond the instance's
    total_limit integer check (total_limit > 0),
    daily_limit integer check (daily_limit > 0),
    -- Null follows the instance
    timezone varchar(50) check (private.is_timezone(timezone)),
    quiet_start time,
    quiet_end time,
    scheduled_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    created_by uuid default auth.uid() references public.profiles (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (team_id, id),
    foreign key (team_id, template_id) references public.message_templates (team_id, id) on delete set null (template_id),
    check ((quiet_start is null) = (quiet_end is null)),
    check (status <> 'scheduled' or scheduled_at is not null),
    check (status in ('draft', 'cancelled') or (body <> '' and (channel = 'email') = (subject is not null)))
);
create index campaigns_status_idx on public.campaigns (team_id, status, created_at desc);
create index campaigns_template_idx on public.campaigns (team_id, template_id);
create index campaigns_opt_out_locale_idx on public.campaigns (opt_out_locale);
create index campaigns_created_by_idx on public.campaigns (created_by);
create index campaigns_due_idx on public.campaigns (scheduled_at) where status = 'scheduled';

create trigger set_updated_at before update on public.opt_out_texts
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();
create trigger set_updated_at before update on public.sending_rules
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();
create trigger set_updated_at before update on public.campaigns
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.opt_out_texts enable row level security;
alter table public.sending_rules enable row level security;
alter table public.campaigns enable row level security;
revoke all on public.opt_out_texts, public.sending_rules, public.campaigns from anon, authenticated;
grant all on public.opt_out_texts, public.sending_rules, public.campaigns to service_role;

grant select on public.opt_out_texts to authenticated;
grant insert (locale, keyword, sms_notice, email_notice), update (keyword, sms_notice, email_notice)
    on public.opt_out_texts to authenticated;
create policy "read opt-out texts" on public.opt_out_texts for select to authenticated
    using ((select private.may('campaigns.read')));
create policy "add opt-out texts" on public.opt_out_texts for insert to authenticated
    with check ((select private.may('settings.manage')));
create policy "change opt-out texts" on public.opt_out_texts for update to authenticated
    using ((select private.may('settings.manage')))
    with check ((select private.may('settings.manage')));

grant select on public.sending_rules to authenticated;
grant update (sender_name, locale, quiet_start, quiet_end, daily_contact_limit) on public.sending_rules to authenticated;
create policy "read sending rules" on public.sending_rules for select to authenticated
    using ((select private.may('campaigns.read')));
create policy "change sending rules" on public.sending_rules for update to authenticated
    using ((select private.may('settings.manage')))
    with check ((select private.may('settings.manage')));

-- Whoever may write campaigns writes drafts; all that follows needs the right to start them. When they began and ended is
-- written by the application's server.
grant select, delete on public.campaigns to authenticated;
grant insert (team_id, name, channel, status, template_id, subject, body, opt_out_locale, total_limit, daily_limit, timezone,
    quiet_start, quiet_end, scheduled_at) on public.campaigns to authenticated;
grant update (name, channel, status, template_id, subject, body, opt_out_locale, total_limit, daily_limit, timezone,
    quiet_start, quiet_end, scheduled_at) on public.campaigns to authenticated;
create policy "read campaigns" on public.campaigns for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('campaigns.read')));
create policy "draft campaigns" on public.campaigns for insert to authenticated
    with check (team_id in (select private.my_teams()) and (select private.may('campaigns.write')) and status = 'draft');
create policy "change campaigns" on public.campaigns for update to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('campaigns.write'))
        and (status = 'draft' or (select private.may('campaigns.start'))))
    with check (team_id in (select private.my_teams()) and (select private.may('campaigns.write'))
        and (status = 'draft' or (select private.may('campaigns.start'))));
create policy "delete campaigns" on public.campaigns for delete to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('campaigns.start'))
        and status in ('draft', 'cancelled'));
