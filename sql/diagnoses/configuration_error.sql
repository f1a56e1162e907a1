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
    setting := coalesce(b.metadata ->> 'beacon.missing_setting',
      substring(b.message from '\m([A-Z][A-Z0-9]*_[A-Z0-9_]+)\M'));
    if b.code in ('configuration_error', 'ConfigurationError', 'ERR_INVALID_URL')
       or b.message ~* '(is|are) (not|un)\s?(set|configured|defined)|missing (setting|configuration|environment)' then
      return next beacon.verdict('CONFIGURATION_ERROR', b, 'certain',
        format('%s failed after %s ms because %s', b.service, round(b.duration_ms),
          coalesce(setting || ' is not set', 'of its configuration') || '; nothing was called.'),
        format('Set %s for %s and restart it; then submit the job again.', coalesce(setting, 'what the message names'), b.service),
        jsonb_strip_nulls(jsonb_build_object('missing_setting', setting,
          'calls_made', (select count(*) from unnest(spans) f where f.trace_id = b.trace_id and f.kind in ('client', 'producer')))));
    elsif b.explains_root and b.callee is null and b.duration_ms < 100 and b.code is null and b.message is null then
      -- The incident that says nothing: gone in milliseconds, without an error, before the first call.
      select count(*) into outside from unnest(spans) f
      where f.trace_id = b.trace_id and (f.kind in ('client', 'producer') or f.service <> b.service);
      if outside = 0 and beacon.usually_calls_others(b.service, b.operation, b.trace_id) then
        return next beacon.verdict('CONFIGURATION_ERROR', b, 'likely',
          format('%s %s failed within %s ms, said nothing, and called nobody, although it usually does.', b.service, b.operation,
            round(b.duration_ms)),
          format('Compare the settings of %s with those of an instance that works: it gave up before its first call.', b.service),
          jsonb_build_object('calls_made', 0));
      end if;
    end if;
  end loop;
end
$$;

comment on function beacon.finding_configuration_error(beacon.span_fact[], beacon.failure_origin[]) is
  'CONFIGURATION_ERROR: a service failed before its first call because a setting is missing or wrong. Decided by a configuration code or '
  'a message that says so; the setting is the attribute beacon.missing_setting or the first NAME_IN_CAPITALS of the message. Without code '
  'and message: a failure within 100 ms that called nobody, where the same operation usually calls other services. Blind spot: a setting '
  'that is present and wrong looks like the failure it causes.';
