create function beacon.said(b beacon.failure_origin) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  flag constant text := nullif(nullif(b.metadata ->> 'response_flags', '-'), '');
  text_of constant text := btrim(regexp_replace(coalesce(nullif(beacon.plain_text(b.message), ''),
    'response flag ' || flag || coalesce(': ' || case when b.meant_by = 'flag' then replace(b.said_by, 'Envoy: ', '') end, ''),
    case when b.code ~ '^[45]\d\d$' then 'HTTP ' || b.code else b.code end, 'HTTP ' || b.http_status, 'no message'), '\s+', ' ', 'g'));
  -- A name or value that is too long says so after itself.
  -- A cause that stands inside a long text is what matters of it.
  cause constant text := substring(substr(text_of, 220) from '[Cc]aused by:? .{1,120}');
  short constant text := regexp_replace(text_of, '(.)\1{39,}', '\1\1\1…', 'g');
begin
  return rtrim(case when length(short) > 300 and cause is not null then left(short, 179) || '… ' || cause
    when length(short) > 300 then left(short, 299) || '…' else short end, '. ');
end
$$;

comment on function beacon.said(beacon.failure_origin) is
  'What was said about a failure, as a part of a sentence: its message on one line, at most 300 characters, else its code or status.';

create function beacon.answered_with(b beacon.failure_origin) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return coalesce(' (' || nullif(concat_ws(', ', 'HTTP ' || b.http_status, 'response flag ' || nullif(b.metadata ->> 'response_flags', '-'),
    case when b.code !~ '^\d{3}$' and position(b.code in coalesce(b.message, '')) = 0 then b.code end), '') || ')', '');
end
$$;

comment on function beacon.answered_with(beacon.failure_origin) is 'Status and code of a failure in parentheses, with a space before; '
  'empty without.';

create function beacon.look_into(b beacon.failure_origin, who text) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return case
    when who = b.service or b.callee_is_known or b.callee is null then format('Read the log of %s with this trace id; the failure began '
      'there.', who)
    when b.metadata ?| array['db.system', 'db.system.name'] then format('Read the server log of %s at that moment, and what %s asked of '
      'it.', who, b.service)
    else format('%s leaves no spans here: look at its status page or ask who runs it, with the time and what %s sent.', who, b.service) end;
end
$$;

comment on function beacon.look_into(beacon.failure_origin, text) is
  'Where to read more about a failure: the log of a service that is traced, the server log of a database, or, of what is outside, whom to '
  'ask.';
