-- The instance's users, and what each may do.

create table public.profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    display_name text not null check (char_length(display_name) between 1 and 200),
    -- Preferences; null follows the instance's setting
    timezone varchar(50),
    locale varchar(10),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create trigger set_updated_at before update on public.profiles
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

create table public.roles (
    name text primary key check (name ~ '^[a-z][a-z_]*$'),
    description text not null,
    created_at timestamptz not null default now()
);

insert into public.roles (name, description) values
    ('admin', 'Manages users, roles and the instance''s settings'),
    ('manager', 'Manages campaigns and contacts'),
    ('member', 'Works with campaigns and contacts');

create table public.user_roles (
    user_id uuid not null references public.profiles (id) on delete cascade,
    role text not null references public.roles (name),
    created_at timestamptz not null default now(),
    primary key (user_id, role)
);
create index user_roles_role_idx on public.user_roles (role);

alter table public.profiles enable row level security;
alter table public.roles enable row level security;
alter table public.user_roles enable row level security;

revoke all on public.profiles, public.roles, public.user_roles from anon, authenticated;
grant all on public.profiles, public.roles, public.user_roles to service_role;
