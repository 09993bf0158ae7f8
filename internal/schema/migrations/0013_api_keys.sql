-- Keys for programs. The key itself is shown once and never stored: only its SHA-256, by which it is found, and its first
-- characters, by which people know it.

create table public.api_keys (
    id uuid primary key default gen_random_uuid(),
    team_id uuid references public.teams (id), -- null: the whole instance
    name text not null check (char_length(name) between 1 and 200),
    prefix text not null check (prefix ~ '^[A-Za-z0-9_]{4,12}$'),
    key_hash bytea not null unique check (octet_length(key_hash) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    created_by uuid references public.profiles (id) on delete set null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_team_idx on public.api_keys (team_id, created_at desc);
create index api_keys_created_by_idx on public.api_keys (created_by);

alter table public.api_keys enable row level security;
revoke all on public.api_keys from anon, authenticated;
grant all on public.api_keys to service_role;

-- The application's server makes keys. Revoking one is final.
grant select (id, team_id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at),
    update (name, revoked_at) on public.api_keys to authenticated;
create policy "read keys" on public.api_keys for select to authenticated
    using ((select private.may('api_keys.manage')));
create policy "revoke keys" on public.api_keys for update to authenticated
    using ((select private.may('api_keys.manage')) and revoked_at is null)
    with check ((select private.may('api_keys.manage')));
