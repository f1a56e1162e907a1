// `select * from trace_spans` works unqualified because the migrating role's search_path gains the schema, for this
// database only. What it was before is kept for the way down. Both are statements, so that a printed plan has them too.

const OWN_SETTING = `
  select substr(entry, length('search_path=') + 1)
  from pg_db_role_setting s, unnest(s.setconfig) entry
  where s.setrole = (select oid from pg_roles where rolname = current_user)
    and s.setdatabase = (select oid from pg_database where datname = current_database())
    and entry like 'search_path=%'`;

/** Adds `beacon` to the search_path of the current role in this database, unless it is there. */
export const EXTEND_SEARCH_PATH = `do $beacon$
declare
  own text := (${OWN_SETTING});
  base text := coalesce(own, (select reset_val from pg_settings where name = 'search_path'));
begin
  if own ~ '\\mbeacon\\M' then
    return;
  end if;
  insert into beacon.schema_state values ('search_path of ' || current_user, coalesce(own, ''))
    on conflict (name) do update set value = excluded.value;
  -- An empty search_path is stored as "", which SET itself does not accept.
  execute format('alter role %I in database %I set search_path = %s', current_user, current_database(),
    case when base in ('', '""') then 'beacon' else base || ', beacon' end);
end
$beacon$`;

/** Puts back what EXTEND_SEARCH_PATH found; a search_path that was changed since is left alone. */
export const RESTORE_SEARCH_PATH = `do $beacon$
declare
  before text := (select value from beacon.schema_state where name = 'search_path of ' || current_user);
  own text := (${OWN_SETTING});
begin
  if before is null or own is null or own !~ '\\mbeacon$' then
    return;
  end if;
  if before = '' then
    execute format('alter role %I in database %I reset search_path', current_user, current_database());
  elsif before = '""' then
    execute format('alter role %I in database %I set search_path = ''''', current_user, current_database());
  elsif own = before || ', beacon' then
    execute format('alter role %I in database %I set search_path = %s', current_user, current_database(), before);
  end if;
end
$beacon$`;
