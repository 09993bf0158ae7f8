-- What a single user may send in a month (UTC), within the instance's limits. A user without a row, and null, have no limit
-- of their own.

create table public.user_quotas (
    user_id uuid primary key references public.profiles (id) on delete cascade,
    monthly_sms_limit integer check (monthly_sms_limit >= 0),
    monthly_email_limit integer check (monthly_email_limit >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create trigger set_updated_at before update on public.user_quotas
    for each row when (old.* is distinct from new.*)
    execute function private.set_updated_at();

alter table public.user_quotas enable row level security;
revoke all on public.user_quotas from anon, authenticated;
grant all on public.user_quotas to service_role;

grant select, delete on public.user_quotas to authenticated;
grant insert (user_id, monthly_sms_limit, monthly_email_limit), update (monthly_sms_limit, monthly_email_limit)
    on public.user_quotas to authenticated;
create policy "read own quota" on public.user_quotas for select to authenticated
    using (user_id = (select auth.uid()));
create policy "admins manage quotas" on public.user_quotas for all to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));
