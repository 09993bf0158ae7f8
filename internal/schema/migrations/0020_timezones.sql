-- A time zone that this server doesn't know is refused when it is set, not when the first message is to be sent. One that was
-- set before gives way to the column's default.

update public.instance_config set timezone = default where not private.is_timezone(timezone);
update public.profiles set timezone = null where not private.is_timezone(timezone);
alter table public.instance_config add constraint instance_config_timezone_known check (private.is_timezone(timezone));
alter table public.profiles add constraint profiles_timezone_known check (private.is_timezone(timezone));
