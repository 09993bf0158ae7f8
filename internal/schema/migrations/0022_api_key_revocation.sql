-- A key is revoked now or was before: one that is to end later has expires_at.
create function private.check_revocation() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    if new.revoked_at > clock_timestamp() then
        raise check_violation using message = 'a key can''t be revoked in the future';
    end if;
    return new;
end
$$;
revoke execute on function private.check_revocation() from public;
create trigger check_revocation before insert or update of revoked_at on public.api_keys
    for each row execute function private.check_revocation();
update public.api_keys set revoked_at = now() where revoked_at > now();
