-- Teams own contacts, campaigns, messages and templates. Whoever is in a team works with what it owns, as far as the
-- user's role allows; administrators work with all.

create table public.teams (
    id uuid primary key default gen_random_uuid(),
    name text not null check (char_length(name) between 1 and 200),
    -- An archived team keeps what it owns. One that owns contacts, campaigns or usage can't be deleted.
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index teams_name_idx on public.teams (lower(name));

create trigger set_updated_at before update on public.teams
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

create table public.team_members (
    team_id uuid not null references public.teams (id) on delete cascade,
    user_id uuid not null references public.profiles (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (team_id, user_id)
);
create index team_members_user_idx on public.team_members (user_id);

-- The teams whose things the user may see: all for admins, none for whoever has no role. It reads as its owner: a policy
-- on team_members that queried team_members itself would never end.
create function private.my_teams() returns setof uuid
    language sql stable security definer
    set search_path = ''
    as $$
        select m.team_id from public.team_members m
        where m.user_id = (select auth.uid())
            and exists (select from public.user_roles r where r.user_id = m.user_id)
        union
        select t.id from public.teams t where (select private.is_admin())
    $$;
revoke execute on function private.my_teams() from public;
grant execute on function private.my_teams() to authenticated, service_role;

-- Whose profiles the user may see beside its own: those of the teams' members.
create function private.my_colleagues() returns setof uuid
    language sql stable security definer
    set search_path = ''
    as $$
        select user_id from public.team_members where team_id in (select private.my_teams())
    $$;
revoke execute on function private.my_colleagues() from public;
grant execute on function private.my_colleagues() to authenticated, service_role;

alter table public.teams enable row level security;
alter table public.team_members enable row level security;
revoke all on public.teams, public.team_members from anon, authenticated;
grant all on public.teams, public.team_members to service_role;

grant select, delete on public.teams to authenticated;
grant insert (name), update (name, archived_at) on public.teams to authenticated;
create policy "read own teams" on public.teams for select to authenticated
    using (id in (select private.my_teams()));
create policy "admins manage teams" on public.teams for all to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));

-- Nothing of a membership changes: it begins and ends.
grant select, delete on public.team_members to authenticated;
grant insert (team_id, user_id) on public.team_members to authenticated;
create policy "read members of own teams" on public.team_members for select to authenticated
    using (team_id in (select private.my_teams()));
create policy "admins add members" on public.team_members for insert to authenticated
    with check ((select private.is_admin()));
create policy "admins remove members" on public.team_members for delete to authenticated
    using ((select private.is_admin()));

create policy "read profiles of colleagues" on public.profiles for select to authenticated
    using (id in (select private.my_colleagues()));
