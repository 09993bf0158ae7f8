-- What messages say, by channel and locale. The library is what every new team starts with; what a team makes of its copy
-- is its own.

create table public.template_library (
    id uuid primary key default gen_random_uuid(),
    key text not null check (key ~ '^[a-z][a-z_]*$'),
    channel text not null check (channel in ('sms', 'email')),
    locale varchar(35) not null,
    name text not null check (char_length(name) between 1 and 200),
    subject text check (char_length(subject) between 1 and 200),
    -- Placeholders are names in braces: {first_name}
    body text not null check (char_length(body) between 1 and 20000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (key, channel, locale),
    check ((channel = 'email') = (subject is not null))
);

create table public.message_templates (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id) on delete cascade,
    key text not null check (key ~ '^[a-z][a-z_]*$'),
    channel text not null check (channel in ('sms', 'email')),
    locale varchar(35) not null,
    name text not null check (char_length(name) between 1 and 200),
    subject text check (char_length(subject) between 1 and 200),
    body text not null check (char_length(body) between 1 and 20000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (team_id, id),
    unique (team_id, key, channel, locale),
    check ((channel = 'email') = (subject is not null))
);
create index message_templates_name_idx on public.message_templates (team_id, name);

create trigger set_updated_at before update on public.template_library
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();
create trigger set_updated_at before update on public.message_templates
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

-- A new team gets a copy of the library, whoever makes the team.
create function private.give_templates() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    insert into public.message_templates (team_id, key, channel, locale, name, subject, body)
        select new.id, key, channel, locale, name, subject, body from public.template_library;
    return null;
end
$$;
revoke execute on function private.give_templates() from public;
create trigger give_templates after insert on public.teams
    for each row execute function private.give_templates();

alter table public.template_library enable row level security;
alter table public.message_templates enable row level security;
revoke all on public.template_library, public.message_templates from anon, authenticated;
grant all on public.template_library, public.message_templates to service_role;

grant select on public.template_library to authenticated;
grant update (name, subject, body) on public.template_library to authenticated;
create policy "read the library" on public.template_library for select to authenticated
    using ((select private.may('templates.read')));
create policy "admins change the library" on public.template_library for update to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));

grant select, delete on public.message_templates to authenticated;
grant insert (team_id, key, channel, locale, name, subject, body), update (key, locale, name, subject, body)
    on public.message_templates to authenticated;
create policy "read templates" on public.message_templates for select to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('templates.read')));
create policy "add templates" on public.message_templates for insert to authenticated
    with check (team_id in (select private.my_teams()) and (select private.may('templates.write')));
create policy "change templates" on public.message_templates for update to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('templates.write')))
    with check (team_id in (select private.my_teams()) and (select private.may('templates.write')));
create policy "delete templates" on public.message_templates for delete to authenticated
    using (team_id in (select private.my_teams()) and (select private.may('templates.write')));
