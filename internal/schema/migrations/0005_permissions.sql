-- What each role may do. Policies ask for permissions, not for roles, so that a later role needs rows only.

create table public.permissions (
    name text primary key check (name ~ '^[a-z_]+\.[a-z_]+$'),
    description text not null
);

insert into public.permissions (name, description) values
    ('contacts.read', 'See the contacts of one''s teams'),
    ('contacts.write', 'Add and change contacts of one''s teams'),
    ('contacts.delete', 'Delete contacts of one''s teams'),
    ('campaigns.read', 'See the campaigns of one''s teams'),
    ('campaigns.write', 'Draft campaigns for one''s teams'),
    ('campaigns.start', 'Schedule, start, pause and cancel campaigns of one''s teams, and delete those that never sent'),
    ('messages.read', 'See the messages of one''s teams'),
    ('templates.read', 'See the message templates of one''s teams'),
    ('templates.write', 'Add, change and delete message templates of one''s teams'),
    ('usage.read', 'See how much one''s teams have sent'),
    ('settings.manage', 'Change how the instance sends, its opt-out texts and what is kept how long'),
    ('webhooks.manage', 'See, change and delete outgoing webhooks'),
    ('api_keys.manage', 'See and revoke API keys'),
    ('audit.read', 'Read the audit log');

create table public.role_permissions (
    role text not null references public.roles (name) on delete cascade,
    permission text not null references public.permissions (name) on delete cascade,
    primary key (role, permission)
);
create index role_permissions_permission_idx on public.role_permissions (permission);

insert into public.role_permissions (role, permission)
    select 'admin', name from public.permissions
    union all
    select 'manager', name from public.permissions
        where name ~ '^(contacts|campaigns|messages|templates|usage)\.'
    union all
    select 'member', name from public.permissions
        where name in ('contacts.read', 'contacts.write', 'campaigns.read', 'campaigns.write', 'messages.read', 'templates.read');

create function private.may(wanted text) returns boolean
    language sql stable security definer
    set search_path = ''
    as $$
        select exists (
            select from public.user_roles u join public.role_permissions p on p.role = u.role
            where u.user_id = (select auth.uid()) and p.permission = wanted)
    $$;
revoke execute on function private.may(text) from public;
grant execute on function private.may(text) to authenticated, service_role;

alter table public.permissions enable row level security;
alter table public.role_permissions enable row level security;
revoke all on public.permissions, public.role_permissions from anon, authenticated;
grant all on public.permissions, public.role_permissions to service_role;

-- Fixed by migrations, as roles are: a role that could be widened here would be a way to more rights.
grant select on public.permissions, public.role_permissions to authenticated;
create policy "read permissions" on public.permissions for select to authenticated
    using (true);
create policy "read permissions of roles" on public.role_permissions for select to authenticated
    using (true);
