-- Whom teams write to, by which channels they may, and how that came about.

create table public.contacts (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id),
    first_name text not null default '' check (char_length(first_name) <= 100),
    last_name text not null default '' check (char_length(last_name) <= 100),
    email text check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and char_length(email) <= 254),
    phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'), -- E.164
    locale varchar(35), -- BCP 47; null follows the instance
    -- Nothing is sent by a channel that was opted out of; marketing needs an opt-in.
    sms_consent text not null default 'unknown' check (sms_consent in ('unknown', 'opted_in', 'opted_out')),
    email_consent text not null default 'unknown' check (email_consent in ('unknown', 'opted_in', 'opted_out')),
    -- Where the last change of consent came from
    consent_source text not null default 'entered' check (consent_source in ('entered', 'form', 'import', 'reply', 'link', 'api')),
    archived_at timestamptz,
    created_by uuid default auth.uid() references public.profiles (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (team_id, id)
);
create unique index contacts_email_idx on public.contacts (team_id, lower(email));
create unique index contacts_phone_idx on public.contacts (team_id, phone);
create index contacts_name_idx on public.contacts (team_id, last_name, first_name);
create index contacts_created_by_idx on public.contacts (created_by);
create index contacts_archived_idx on public.contacts (archived_at) where archived_at is not null;

create table public.consent_events (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null,
    contact_id uuid not null,
    channel text not null check (channel in ('sms', 'email')),
    consent text not null,
    source text not null,
    actor uuid,
    at timestamptz not null default now(),
    foreign key (team_id, contact_id) references public.contacts (team_id, id) on delete cascade
);
create index consent_events_contact_idx on public.consent_events (team_id, contact_id, at);

create table public.tags (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 60),
    created_at timestamptz not null default now(),
    unique (team_id, id)
);
create unique index tags_name_idx on public.tags (team_id, lower(name));

create table public.contact_tags (
    team_id uuid not null,
    contact_id uuid not null,
    tag_id uuid not null,
    primary key (team_id, contact_id, tag_id),
    foreign key (team_id, contact_id) references public.contacts (team_id, id) on delete cascade,
    foreign key (team_id, tag_id) references public.tags (team_id, id) on delete cascade
);
create index contact_tags_tag_idx on public.contact_tags (team_id, tag_id);

create trigger set_updated_at before update on public.contacts
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

-- Only the contact takes an opt-out back, by a reply or a link, which reach the database as service_role.
create function private.guard_consent() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    if (select auth.role()) = 'authenticated' and
        ((old.sms_consent = 'opted_out' and new.sms_consent <> 'opted_out') or
        (old.email_consent = 'opted_out' and new.email_consent <> 'opted_out')) then
        raise insufficient_privilege using message = 'only the contact takes an opt-out back';
    end if;
    return new;
end
$$;
revoke execute on function private.guard_consent() from public;
create trigger guard_consent before update on public.contacts
    for each row execute function private.guard_consent();

create function private.note_consent() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    if new.sms_consent <> (case when tg_op = 'INSERT' then 'unknown' else old.sms_consent end) then
        insert into public.consent_events (team_id, contact_id, channel, consent, source, actor)
            values (new.team_id, new.id, 'sms', new.sms_consent, new.consent_source, (select auth.uid()));
    end if;
    if new.email_consent <> (case when tg_op = 'INSERT' then 'unknown' else old.email_consent end) then
        insert into public.consent_events (team_id, contact_id, channel, consent, source, actor)
            values (new.team_id, new.id, 'email', new.email_consent, new.consent_source, (select auth.uid()));
    end if;
    return null;
end
$$;
revoke execute on function private.note_consent() from public;
create trigger note_consent after insert or update on public.contacts
    for each row execute function private.note_consent();

alter table public.contacts enable row level security;
alter table public.consent_events enable row level security;
alter table public.tags enable row level security;
alter table public.contact_tags enable row level security;
revoke all on public.contacts, public.consent_events, public.tags, public.contact_tags from anon, authenticated;
revoke all on public.consent_events from service_role;
grant all on public.contacts, public.tags, public.contact_tags to service_role;

-- A contact never moves to another team: its team can't be written.
grant select, delete on public.contacts to authenticated;
grant insert (team_id, first_name, last_name, email, phone, locale, sms_consent, email_consent, consent_source)
    on public.contacts to authenticated;
grant update (first_name, last_name, email, phone, locale, sms_consent, email_consent, consent_source, archived_at)
    on public.contacts to authenticated;
create policy "read contacts" on public.contacts for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.read')));
create policy "add contacts" on public.contacts for insert to authenticated
    with check (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
create policy "change contacts" on public.contacts for update to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.write')))
    with check (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
create policy "delete contacts" on public.contacts for delete to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.delete')));

-- Written by the trigger alone: proof of consent isn't anybody's to write.
grant select on public.consent_events to authenticated, service_role;
create policy "read consents" on public.consent_events for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.read')));

grant select, delete on public.tags to authenticated;
grant insert (team_id, name), update (name) on public.tags to authenticated;
create policy "read tags" on public.tags for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.read')));
create policy "add tags" on public.tags for insert to authenticated
    with check (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
create policy "change tags" on public.tags for update to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.write')))
    with check (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
create policy "delete tags" on public.tags for delete to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.delete')));

grant select, insert, delete on public.contact_tags to authenticated;
create policy "read tags of contacts" on public.contact_tags for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.read')));
create policy "tag contacts" on public.contact_tags for insert to authenticated
    with check (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
create policy "untag contacts" on public.contact_tags for delete to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('contacts.write')));
