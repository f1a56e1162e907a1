create function beacon.finding_bad_request(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('BAD_REQUEST', b,
    case when b.meaning in ('not_found', 'unimplemented') and b.meant_by = 'message' then 'likely' else 'strong' end,
    case b.meaning
      when 'too_long' then format('%s sent %s more than it takes%s: %s.', b.service, coalesce(b.callee, 'a request'),
        beacon.answered_with(b), beacon.said(b))
      when 'content_filter' then format('A content filter of %s refused what %s sent%s: %s.', coalesce(b.callee, b.service), b.service,
        beacon.answered_with(b), beacon.said(b))
      when 'not_found' then format('%s %s for something that is not there%s: %s.', b.service, coalesce('asked ' || b.callee, 'looked'),
        beacon.answered_with(b), beacon.said(b))
      when 'conflict' then format('What %s sent conflicts with what %s holds%s: %s.', b.service, coalesce(b.callee, 'its data'),
        beacon.answered_with(b), beacon.said(b))
      else format('%s sent %s something it does not accept%s: %s.', b.service, coalesce(b.callee, 'a request'), beacon.answered_with(b),
        beacon.said(b)) end,
    case b.meaning
      when 'too_long' then format('Shorten or split what %s sends, or raise the limit that the message names.', b.service)
      when 'content_filter' then 'Look at the prompt for what the filter objects to; rephrase it, or choose another filter level.'
      when 'not_found' then format('Check the name, path or id that %s asks for.', b.service)
      when 'conflict' then format('Check whether %s repeats a request, or writes two rows with one key; make it idempotent, or retry on a '
        'conflict.', b.service)
      else format('Correct what %s sends: the message names what is wrong with it.', b.service) end, '{}', b.service, b.operation) v
  where b.meaning in ('bad_input', 'too_long', 'content_filter', 'not_found', 'conflict', 'unimplemented', 'aborted_transaction');
end
$$;

comment on function beacon.finding_bad_request(beacon.span_fact[], beacon.failure_origin[]) is
  'BAD_REQUEST: the caller sent what the callee does not accept: malformed, too long, filtered, in conflict with what is there, or about '
  'something that is not there. Decided by HTTP 400, 404, 405, 409, 411, 413, 415, 422, gRPC 3, 5, 6, 9, 10, 11 or 12, an SQLSTATE of '
  'class 22, 23 or 42, or a validation code, class or message; charged to the caller. Blind spot: a bug in the callee that calls a good '
  'request bad.';
