create function beacon.finding_configuration_error(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  b beacon.failure_origin;
  setting text;
  outside integer;
begin
  foreach b in array origins loop
    if b.meaning = 'read_only' then
      return next beacon.verdict('CONFIGURATION_ERROR', b, 'strong',
        format('%s wrote to %s, which is read-only%s: %s.', b.service, coalesce(b.callee, 'its store'), beacon.answered_with(b),
          beacon.said(b)),
        format('Point %s at the primary for writes, or end what keeps %s read-only (fail-over, full disk, maintenance).', b.service,
          coalesce(b.callee, 'it')));
      continue;
    end if;
    setting := coalesce(b.metadata ->> 'beacon.missing_setting', substring(b.message from '\m([A-Z][A-Z0-9]*_[A-Z0-9_]+)\M'));
    if b.meaning = 'config_missing' then
      return next beacon.verdict('CONFIGURATION_ERROR', b, case when b.meant_by = 'message' and setting is null then 'strong'
        else 'certain' end,
        case
          when setting is not null and b.callee is null then format('%s failed after %s ms because %s is not set; nothing was called: %s.',
            b.service, round(b.duration_ms), setting, beacon.said(b))
          when b.callee is not null then format('%s asked %s for something that is not set up there%s: %s.', b.service, b.callee,
            beacon.answered_with(b), beacon.said(b))
          else format('%s failed after %s ms because something it needs is missing or wrongly configured: %s.', b.service,
            round(b.duration_ms), beacon.said(b)) end,
        case
          when setting is not null and b.callee is null then format('Set %s for %s and restart it; then submit the job again.', setting,
            b.service)
          when b.metadata ?| array['db.system', 'db.system.name'] then 'Run the migrations that are due there, or correct the name: the '
            'message says what is missing.'
          else format('Set up what the message names for %s, or correct the name; compare with an instance that works.', b.service) end,
        jsonb_strip_nulls(jsonb_build_object('missing_setting', setting,
          'calls_made', (select count(*) from unnest(spans) f where f.trace_id = b.trace_id and f.kind in ('client', 'producer')))),
        b.service, b.operation);
    elsif b.explains_root and b.callee is null and b.duration_ms < 100 and b.code is null and b.message is null and b.status = 'failed' then
      -- The incident that says nothing: gone in milliseconds, without an error, before the first call.
      select count(*) into outside from unnest(spans) f
      where f.trace_id = b.trace_id and (f.kind in ('client', 'producer') or f.service <> b.service);
      if outside = 0 and beacon.usually_calls_others(b.service, b.operation, b.trace_id) then
        return next beacon.verdict('CONFIGURATION_ERROR', b, 'likely',
          format('%s %s failed within %s ms, said nothing, and called no other service, although it usually does.', b.service,
            b.operation, round(b.duration_ms)),
          format('Compare the settings of %s with those of an instance that works: it gave up before its first call.', b.service),
          jsonb_build_object('calls_made', 0));
      end if;
    end if;
  end loop;
end
$$;

comment on function beacon.finding_configuration_error(beacon.span_fact[], beacon.failure_origin[]) is
  'CONFIGURATION_ERROR: something that has to be set up is not: a setting, a file, a module, a table, a queue, a route; or writes go to '
  'what is read-only. Decided by a code, class, SQLSTATE or message that says so; the setting is the attribute beacon.missing_setting or '
  'the first NAME_IN_CAPITALS of the message. Without code and message: a failure within 100 ms that called no other service, where the '
  'same operation usually does. Blind spot: a setting that is present and wrong looks like the failure it causes.';
