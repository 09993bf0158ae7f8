-- What an instance is called, looks like, may do and keeps. One row, written by provisioning.

create schema private;
comment on schema private is 'Functions for triggers and policies; not exposed by the API.';

create function private.set_updated_at() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    new.updated_at = now();
    return new;
end
$$;

create table public.instance_config (
    id uuid primary key default gen_random_uuid(),
    instance_id uuid unique not null,

    -- Branding
    logo_url text,
    favicon_url text,
    primary_color varchar(7) check (primary_color ~ '^#[0-9A-Fa-f]{6}$'),
    secondary_color varchar(7) check (secondary_color ~ '^#[0-9A-Fa-f]{6}$'),
    custom_css text,

    -- Integration credentials, encrypted by the application with the instance's config key
    twilio_account_sid text,
    twilio_auth_token text,
    sendgrid_api_key text,

    -- Settings
    timezone varchar(50) not null default 'America/New_York',
    locale varchar(10) not null default 'en-US',
    date_format varchar(20) not null default 'MM/DD/YYYY',

    -- Limits, set by the plan; 0 allows nothing
    monthly_sms_limit integer not null default 10000 check (monthly_sms_limit >= 0),
    monthly_email_limit integer not null default 50000 check (monthly_email_limit >= 0),
    max_users integer not null default 50 check (max_users >= 0),

    -- Compliance
    data_retention_days integer not null default 730 check (data_retention_days > 0),
    enable_audit_log boolean not null default true,
    gdpr_enabled boolean not null default true,

    -- With time zone, so that they mean the same whatever zone a session is in
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- A database belongs to one instance.
create unique index instance_config_single_idx on public.instance_config ((true));

create trigger set_updated_at before update on public.instance_config
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.instance_config enable row level security;

-- Supabase grants everything in public to the API's roles; what they may do is granted column by column with the
-- policies. The service role keeps all.
revoke all on public.instance_config from anon, authenticated;
grant all on public.instance_config to service_role;
revoke execute on function private.set_updated_at() from public;
