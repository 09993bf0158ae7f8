-- Where the instance tells other systems what happens, and what became of it.

create table public.webhooks (
    id uuid primary key default gen_random_uuid(),
    name text not null check (char_length(name) between 1 and 200),
    url text not null check (url ~ '^https://[^[:space:]@]+$' and char_length(url) <= 2000),
    events text[] not null check (cardinality(events) between 1 and 20 and events <@ array[
        'contact.created', 'contact.updated', 'contact.opted_out', 'campaign.started', 'campaign.finished',
        'message.sent', 'message.delivered', 'message.failed']),
    -- A JWE in compact form, made with the instance's config key: clear text doesn't fit.
    signing_secret text not null check (signing_secret ~ '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$'),
    enabled boolean not null default true,
    created_by uuid references public.profiles (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index webhooks_created_by_idx on public.webhooks (created_by);
create index webhooks_name_idx on public.webhooks (name);

create table public.webhook_deliveries (
    id uuid primary key default gen_random_uuid(),
    webhook_id uuid not null references public.webhooks (id) on delete cascade,
    event text not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempts integer not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz,
    response_status integer check (response_status between 100 and 599),
    created_at timestamptz not null default now()
);
create index webhook_deliveries_webhook_idx on public.webhook_deliveries (webhook_id, created_at desc);
create index webhook_deliveries_due_idx on public.webhook_deliveries (next_attempt_at) where status = 'pending';
create index webhook_deliveries_created_idx on public.webhook_deliveries (created_at);

create trigger set_updated_at before update on public.webhooks
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.webhooks enable row level security;
alter table public.webhook_deliveries enable row level security;
revoke all on public.webhooks, public.webhook_deliveries from anon, authenticated;
grant all on public.webhooks, public.webhook_deliveries to service_role;

-- The application's server makes webhooks, for it makes their secrets; nobody reads these through the API.
grant select (id, name, url, events, enabled, created_by, created_at, updated_at), update (name, url, events, enabled), delete
    on public.webhooks to authenticated;
create policy "read webhooks" on public.webhooks for select to authenticated
    using ((select private.may('webhooks.manage')));
create policy "change webhooks" on public.webhooks for update to authenticated
    using ((select private.may('webhooks.manage')))
    with check ((select private.may('webhooks.manage')));
create policy "delete webhooks" on public.webhooks for delete to authenticated
    using ((select private.may('webhooks.manage')));

grant select on public.webhook_deliveries to authenticated;
create policy "read deliveries" on public.webhook_deliveries for select to authenticated
    using ((select private.may('webhooks.manage')));
