-- Addresses that opted out, apart from the contacts who have them: neither a new address, nor a deletion, nor another team's
-- contact makes anybody forget an opt-out.

create table public.suppressions (
    channel text not null check (channel in ('sms', 'email')),
    address_hash bytea not null check (octet_length(address_hash) = 32), -- see private.address_hash
    created_at timestamptz not null default now(),
    primary key (channel, address_hash)
);

create index contacts_any_phone_idx on public.contacts (phone);
create index contacts_any_email_idx on public.contacts (lower(email));

-- SHA-256 of a number in E.164, or of a mail address in lower case.
create function private.address_hash(address text) returns bytea
    language sql immutable
    set search_path = ''
    as $$
        select sha256(convert_to(lower(address), 'UTF8'))
    $$;

create function private.is_suppressed(channel text, address text) returns boolean
    language sql stable security definer
    set search_path = ''
    as $$
        select exists (select from public.suppressions s where s.channel = is_suppressed.channel
            and s.address_hash = private.address_hash(address))
    $$;

-- What becomes of a contact's consent: who opted out, and an address that did, stays so, whatever is said, until its owner says
-- otherwise. A row's other changes don't ask.
create function private.settled_consent(channel text, address text, consent text, address_before text, consent_before text, own_word boolean)
    returns text
    language sql stable
    set search_path = ''
    as $$
        select case
            when (address, consent) is not distinct from (address_before, consent_before) then consent
            when own_word and consent = 'opted_in' and consent_before is distinct from consent then consent
            when consent_before = 'opted_out' or private.is_suppressed(channel, address) then 'opted_out'
            else consent
        end
    $$;

-- Only the contact takes an opt-out back, by a reply or a link, which reach the database as service_role. Whoever has signed
-- in can't speak for the contact. What triggers write themselves, one level deeper, isn't asked.
create or replace function private.guard_consent() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    signed_in boolean := coalesce((select auth.role()) = 'authenticated', false) and pg_trigger_depth() = 1;
    own_word boolean := new.consent_source in ('reply', 'link') and not signed_in;
begin
    if signed_in then
        if new.consent_source in ('reply', 'link') and (new.sms_consent, new.email_consent, new.consent_source)
            is distinct from (old.sms_consent, old.email_consent, old.consent_source) then
            raise insufficient_privilege using message = 'a reply or a link is the contact''s own';
        end if;
        if old.sms_consent = 'opted_out' and new.sms_consent <> 'opted_out'
            or old.email_consent = 'opted_out' and new.email_consent <> 'opted_out' then
            raise insufficient_privilege using message = 'only the contact takes an opt-out back';
        end if;
        if old.sms_consent = 'opted_out' and old.phone <> coalesce(new.phone, '')
            or old.email_consent = 'opted_out' and lower(old.email) <> coalesce(lower(new.email), '') then
            raise insufficient_privilege using message = 'an address that opted out stays';
        end if;
    end if;
    new.sms_consent := private.settled_consent('sms', new.phone, new.sms_consent, old.phone, old.sms_consent, own_word);
    new.email_consent := private.settled_consent('email', lower(new.email), new.email_consent, lower(old.email), old.email_consent, own_word);
    return new;
end
$$;
drop trigger guard_consent on public.contacts;
create trigger guard_consent before insert or update on public.contacts
    for each row execute function private.guard_consent();

create function private.guard_deletion() returns trigger
    language plpgsql
    set search_path = ''
    as $$
begin
    if (select auth.role()) = 'authenticated' and (old.sms_consent = 'opted_out' or old.email_consent = 'opted_out') then
        raise insufficient_privilege using message = 'who opted out is archived, not deleted';
    end if;
    return old;
end
$$;
create trigger guard_deletion before delete on public.contacts
    for each row execute function private.guard_deletion();

-- Keeps the proof of a change of consent, and the opt-out of the address itself. All the instance's contacts with the address
-- opt out with it; each takes it back for itself.
create function private.note_channel(contact public.contacts, of_channel text, address text, consent text, address_before text, consent_before text)
    returns void
    language plpgsql security definer
    set search_path = ''
    as $$
declare
    known boolean := private.is_suppressed(of_channel, address);
begin
    if consent <> coalesce(consent_before, 'unknown') then
        insert into public.consent_events (team_id, contact_id, channel, consent, source, actor)
            values (contact.team_id, contact.id, of_channel, consent,
                case when known and consent = 'opted_out' then 'suppression' else contact.consent_source end, (select auth.uid()));
    end if;
    if known and consent = 'opted_in' and consent_before is distinct from consent and contact.consent_source in ('reply', 'link') then
        delete from public.suppressions s where s.channel = of_channel and s.address_hash = private.address_hash(address);
    end if;
    if consent <> 'opted_out' or address is null or (address, consent) is not distinct from (address_before, consent_before) then
        return;
    end if;
    insert into public.suppressions (channel, address_hash) values (of_channel, private.address_hash(address)) on conflict do nothing;
    if of_channel = 'sms' then
        update public.contacts c set sms_consent = 'opted_out' where c.phone = address and c.sms_consent <> 'opted_out';
    else
        update public.contacts c set email_consent = 'opted_out' where lower(c.email) = address and c.email_consent <> 'opted_out';
    end if;
end
$$;

create or replace function private.note_consent() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $$
begin
    perform private.note_channel(new, 'sms', new.phone, new.sms_consent, old.phone, old.sms_consent);
    perform private.note_channel(new, 'email', lower(new.email), new.email_consent, lower(old.email), old.email_consent);
    return null;
end
$$;

-- Who opted out before.
insert into public.suppressions (channel, address_hash)
    select 'sms', private.address_hash(phone) from public.contacts where sms_consent = 'opted_out' and phone is not null
    union
    select 'email', private.address_hash(email) from public.contacts where email_consent = 'opted_out' and email is not null;
update public.contacts set sms_consent = 'opted_out' where sms_consent <> 'opted_out' and private.is_suppressed('sms', phone);
update public.contacts set email_consent = 'opted_out' where email_consent <> 'opted_out' and private.is_suppressed('email', email);

revoke execute on function private.address_hash(text), private.is_suppressed(text, text), private.guard_deletion(),
    private.settled_consent(text, text, text, text, text, boolean),
    private.note_channel(public.contacts, text, text, text, text, text) from public;

alter table public.suppressions enable row level security;
revoke all on public.suppressions from anon, authenticated, service_role;

-- Written by the trigger alone. The server may free an address, on its owner's word. Administrators see how many there are and
-- since when, and no hash: who knows an address could look for it.
grant select, delete on public.suppressions to service_role;
grant select (channel, created_at) on public.suppressions to authenticated;
create policy "count suppressions" on public.suppressions for select to authenticated
    using ((select private.may('settings.manage')));

-- That one was freed is audited; whose, not even by its hash.
create trigger audit after delete on public.suppressions
    for each row execute function private.audit('always', 'channel');
