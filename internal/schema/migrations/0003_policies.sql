-- Who may see and change what through the API. anon has no rights and no policy anywhere; service_role passes row-level
-- security; the policies below are for users who have signed in.

-- It reads user_roles as its owner: a policy on user_roles that queried user_roles itself would never end.
create function private.is_admin() returns boolean
    language sql stable security definer
    set search_path = ''
    as $$
        select exists (select from public.user_roles where user_id = (select auth.uid()) and role = 'admin')
    $$;
revoke execute on function private.is_admin() from public;
grant usage on schema private to authenticated, service_role;
grant execute on function private.is_admin() to authenticated, service_role;

-- (select …) lets the planner ask once per statement instead of once per row.

-- profiles: one's own to read, all for admins
grant select, insert, update, delete on public.profiles to authenticated;
create policy "read own profile" on public.profiles for select to authenticated
    using (id = (select auth.uid()));
create policy "admins manage profiles" on public.profiles for all to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));

-- roles: fixed by migrations, so that code and data agree on what they mean
grant select on public.roles to authenticated;
create policy "read roles" on public.roles for select to authenticated
    using (true);

-- user_roles: one's own to read, all for admins
grant select, insert, update, delete on public.user_roles to authenticated;
create policy "read own roles" on public.user_roles for select to authenticated
    using (user_id = (select auth.uid()));
create policy "admins manage roles of users" on public.user_roles for all to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));

-- instance_config: everybody who signed in reads it, admins change what is theirs to decide. The credentials are granted
-- to nobody here, and limits and identity are the plan's: not even an admin may set them. Rows are made by provisioning.
grant select (
    id, instance_id, logo_url, favicon_url, primary_color, secondary_color, custom_css, timezone, locale, date_format,
    monthly_sms_limit, monthly_email_limit, max_users, data_retention_days, enable_audit_log, gdpr_enabled,
    created_at, updated_at
) on public.instance_config to authenticated;
grant update (
    logo_url, favicon_url, primary_color, secondary_color, custom_css, timezone, locale, date_format,
    data_retention_days, enable_audit_log, gdpr_enabled
) on public.instance_config to authenticated;
create policy "read settings" on public.instance_config for select to authenticated
    using (true);
create policy "admins change settings" on public.instance_config for update to authenticated
    using ((select private.is_admin()))
    with check ((select private.is_admin()));
