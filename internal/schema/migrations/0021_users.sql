-- The plan's number of users, and an administrator at all times.

-- A profile is a user; 0 allows none but the first administrator, whom provisioning makes. The lock on the configuration's row
-- has those who add users at once take turns.
create function private.check_max_users() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    most integer;
begin
    select c.max_users into most from public.instance_config c for no key update;
    if most <= (select count(*) from public.profiles)
        and exists (select from public.user_roles r where r.role = 'admin')
        -- A profile that is there already is about to be found so.
        and not exists (select from public.profiles p where p.id = new.id) then
        raise exception 'the plan''s number of users is reached' using errcode = 'GF010';
    end if;
    return new;
end
$$;
create trigger check_max_users before insert on public.profiles
    for each row execute function private.check_max_users();

-- Whoever has signed in can't leave the instance without an administrator, by role, by profile, or together with others at
-- once. Provisioning can: it can also make one.
create function private.keep_an_admin() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    if (select auth.role()) = 'authenticated' then
        perform from public.roles r where r.name = 'admin' for no key update;
        if not exists (select from public.user_roles r where r.role = 'admin' and r.user_id <> old.user_id) then
            raise insufficient_privilege using message = 'the last administrator stays';
        end if;
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger keep_an_admin before delete on public.user_roles
    for each row when (old.role = 'admin') execute function private.keep_an_admin();
create trigger keep_an_admin_changed before update on public.user_roles
    for each row when (old.role = 'admin' and new.role <> 'admin') execute function private.keep_an_admin();

revoke execute on function private.check_max_users(), private.keep_an_admin() from public;
