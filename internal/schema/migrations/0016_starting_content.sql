-- What provisioning has put into the database to begin with, piece by piece: a piece comes once, so that neither what a
-- customer has changed nor what a customer has deleted comes back.

create table private.starting_content (
    piece text primary key,
    at timestamptz not null default now()
);
alter table private.starting_content enable row level security;
revoke all on private.starting_content from public, anon, authenticated, service_role;
