create function beacon.clock() returns timestamptz
language plpgsql stable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return coalesce(nullif(current_setting('beacon.clock', true), '')::timestamptz, now());
end
$$;

comment on function beacon.clock() is
  'The time every rule of Beacon goes by: the setting beacon.clock where a test has set it, else now().';
