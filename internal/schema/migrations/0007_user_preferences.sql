-- How each user likes the application.

create table public.user_preferences (
    user_id uuid primary key references public.profiles (id) on delete cascade,
    theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
    -- The team that is shown first; one that the user leaves is forgotten.
    default_team_id uuid,
    email_notifications boolean not null default true,
    weekly_summary boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (default_team_id, user_id) references public.team_members (team_id, user_id)
        on delete set null (default_team_id)
);
create index user_preferences_default_team_idx on public.user_preferences (default_team_id, user_id);

create trigger set_updated_at before update on public.user_preferences
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.user_preferences enable row level security;
revoke all on public.user_preferences from anon, authenticated;
grant all on public.user_preferences to service_role;

grant select, delete on public.user_preferences to authenticated;
grant insert (user_id, theme, default_team_id, email_notifications, weekly_summary),
    update (theme, default_team_id, email_notifications, weekly_summary)
    on public.user_preferences to authenticated;
create policy "own preferences" on public.user_preferences for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));
create policy "admins read preferences" on public.user_preferences for select to authenticated
    using ((select private.is_admin()));

-- Name, time zone and locale in one's own profile are preferences as well. Whose profile it is never changes.
revoke update on public.profiles from authenticated;
grant update (display_name, timezone, locale) on public.profiles to authenticated;
create policy "change own profile" on public.profiles for update to authenticated
    using (id = (select auth.uid()))
    with check (id = (select auth.uid()));
