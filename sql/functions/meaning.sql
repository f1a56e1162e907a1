create function beacon.vocabulary_entries() returns setof beacon.vocabulary_entry
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select * from beacon.vocabulary_statuses()
  union all select * from beacon.vocabulary_sqlstates()
  union all select * from beacon.vocabulary_codes()
  union all select * from beacon.vocabulary_classes()
  union all select * from beacon.vocabulary_messages();
end
$$;

comment on function beacon.vocabulary_entries() is 'All rows of the vocabulary; the view vocabulary shows a word a row.';

create function beacon.span_clues(f beacon.span_fact, events jsonb) returns setof beacon.clue
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  -- Longer texts are stack traces; the fact stands at their beginning.
  longest constant integer := 1500;
  m jsonb := coalesce(f.metadata, '{}');
  types text[];
  texts text[];
  causes text[] := '{}';
  told text;
begin
  types := array[f.error_type, m ->> 'error.type', m ->> 'error.code', m ->> 'exception.type', m ->> 'error.name', m ->> 'error.kind',
    m ->> 'http.error_name', m ->> 'db.response.status_code', m ->> 'aws.error.code', m ->> 'aws.request.error.code', m ->> 'error.class',
    m ->> 'grpc.error_name', m ->> 'gen_ai.error.type', m ->> 'graphql.error.code', m ->> 'db.error.code'];
  texts := array[f.error_message, m ->> 'exception.message', m ->> 'error.message', m ->> 'http.error_message', m ->> 'error.msg',
    m ->> 'otel.status_description', m ->> 'rpc.jsonrpc.error_message', m ->> 'response_code_details', m ->> 'faas.error_message',
    m ->> 'graphql.error.message', m ->> 'messaging.error', m ->> 'db.error.message', m ->> 'error_message',
    case when m ->> 'error' not in ('true', 'false') then m ->> 'error' end];
  if jsonb_typeof(events) = 'array' then
    for m in select coalesce(e -> 'attributes', '{}') from jsonb_array_elements(events) e
      where e -> 'attributes' ?| array['exception.type', 'exception.message', 'error.kind', 'error.object', 'error.message'] limit 5
    loop
      types := types || array[m ->> 'exception.type', m ->> 'error.kind', m ->> 'error.type', m ->> 'exception.code'];
      texts := texts || array[m ->> 'exception.message', m ->> 'error.object', m ->> 'error.message', m ->> 'message'];
      -- What an exception was raised from: Java names it at the beginning of a line, Python ends each part with it.
      select causes || coalesce(array_agg(left(x.line[1], 400)), '{}') into causes
      from regexp_matches(left(m ->> 'exception.stacktrace', 20000),
        '^(?:Caused by: |\s*\[?cause\]?: )?((?:[\w$]+[.:]+)*\w*(?:Error|Exception|Timeout|Refused|Interrupt)\w*: [^\n]*[^\n:[{( ])$',
        'gn') x (line);
    end loop;
    m := coalesce(f.metadata, '{}');
  end if;
  texts := texts || causes;

  -- Codes that a message quotes: {'code': 'insufficient_quota'}, connect ECONNREFUSED, P2024, ORA-00060.
  foreach told in array array(select distinct left(beacon.plain_text(t), longest) from unnest(texts) t where t <> '') loop
    return next ('message', lower(told), told)::beacon.clue;
    return query
    select 'code', lower(x.found), told from (
      select coalesce(y.part[1], y.part[2], y.part[3]) as found from regexp_matches(told,
        '["''](?:code|type|status|reason|__type)["'']: ?["'']([A-Za-z_.]{3,60})["'']'
        '|^([A-Z]{4,16})(?= [A-Za-z])'
        '|\m(E[A-Z]{4,}|EAI_[A-Z]+|ERR_[A-Z_]+|UND_ERR_[A-Z_]+|P[12]\d{3}|ORA-\d{5}|E11000|\w+Exception(?=\) when calling))\M',
          'g') y (part)
      limit 6) x;
    return query
    select 'class', lower(regexp_replace(x.found[1], '^.*[.:]', '')), told
    from (select y.found from regexp_matches(told, '\m([A-Za-z_][\w.$:]*(?:Error|Exception|Timeout|Detected|Violation|Exceeded))\M', 'g')
      y (found) limit 6) x;
    return query
    select 'sqlstate', lower(coalesce(x.found[1], x.found[2])), told
    from regexp_matches(told, 'SQL ?STATE[ :=]*\[?([0-9A-Z]{5})\M|psycopg2?\.errors\.\w+ \(([0-9A-Z]{5})\)', 'i') x (found);
    return query
    select 'http', x.found[1], told
    from regexp_matches(told, '(?:status(?: ?code)?|error code|http(?:/\d(?:\.\d)?)?|error|responded with|returned|answer(?:ed)?|\(|'')[ '
      ':=''(]{0,3}([45]\d\d)(?![\d.])',
      'i') x (found);
    return query
    select 'grpc', lower(regexp_replace(x.found[1], '(?<=[a-z])(?=[A-Z])', '_', 'g')), told
    from regexp_matches(told, '(?:code = |code: |status[ .=:]+(?:StatusCode\.)?|^|StatusCode\.)(' || beacon.grpc_names() || ')\M', '') x
      (found);
  end loop;

  -- A class that stands in no list still has a name: TimeoutExceededException is "timeout exceeded exception".
  return query
  select distinct 'name', lower(regexp_replace(regexp_replace(t, '^.*[.:/*#\\$]', ''), '(?<=[a-z0-9])(?=[A-Z])|_', ' ', 'g')), t
  from unnest(types) t where t ~ '[A-Z][a-z]+[A-Z][a-z]';

  return query
  select k.source, k.word, k.t from (
    select distinct t, lower(t) as whole, lower(regexp_replace(t, '^.*[.:/*#\\]', '')) as last from unnest(types) t where t <> '') y
  cross join lateral (values ('code', y.whole, y.t), ('code', y.last, y.t), ('class', y.last, y.t),
    ('class', regexp_replace(y.last, '^.*\$', ''), y.t), ('grpc', y.whole, y.t),
    ('sqlstate', case when y.whole ~ '^[0-9a-z]{5}$' and y.whole ~ '\d' then y.whole end, y.t),
    ('http', case when y.whole ~ '^[45]\d\d$' then y.whole end, y.t)) k (source, word, t)
  where k.word is not null;

  return query
  select 'sqlstate', lower(s), s from unnest(array[m ->> 'pgx.sql_state', m ->> 'db.response.status_code', m ->> 'db.postgresql.sqlstate',
    m ->> 'db.sqlstate', m ->> 'sqlstate', m ->> 'db.sql_state', m ->> 'error.sqlstate', m ->> 'db.postgresql.state',
      m ->> 'pg.sqlstate']) s
  where s ~ '^[0-9A-Za-z]{5}$';
  return query
  select 'flag', lower(btrim(s)), s from unnest(string_to_array(coalesce(m ->> 'response_flags', m ->> 'response.flags',
    m ->> 'envoy.response_flags', m ->> 'upstream.response_flags'), ',')) s where s <> '-';
  return query select 'jsonrpc', s, s from unnest(array[m ->> 'rpc.jsonrpc.error_code', m ->> 'jsonrpc.error_code', m ->> 'mcp.error.code',
    case when f.error_type ~ '^-32\d{3}$' then f.error_type end]) s where s is not null;
  return query
  select 'finish', s, s from regexp_split_to_table(beacon.finish_reasons(m), '[^a-z_-]+') s where s <> '';
  return query
  select 'grpc', w.word, w.word from (select beacon.grpc_word(coalesce(m ->> 'rpc.grpc.status_code', m ->> 'rpc.response.status_code',
    m ->> 'grpc.status_code', m ->> 'rpc.connect_rpc.error_code', m ->> 'grpc.code')) as word) w where w.word is not null;
  if beacon.http_status(m) >= 400 then
    return next ('http', beacon.http_status(m)::text, beacon.http_status(m)::text)::beacon.clue;
  end if;
  -- Go's word for a connection that ended, and an operation that waits for a connection of a pool.
  if f.error_message ~ '(^|[: ])EOF$' then
    return next ('code', 'econnreset', f.error_message)::beacon.clue;
  end if;
  if f.operation ~* 'pool.{0,3}acquire|acquire.{0,12}(pool|conn)|getconnection|pool.{0,3}checkout' and beacon.gave_up(f.status,
    f.error_type, f.error_message, m) then
    return next ('code', 'pool_exhausted', f.error_message)::beacon.clue;
  end if;
  -- Who wrote an answer to a client that was gone.
  if exists (select from unnest(types) t where t ~* 'clientabort|clientdisconnect|asyncrequestnotusable') then
    return next ('flag', 'dc', f.error_message)::beacon.clue;
  end if;
  -- undici, of a body that broke off.
  if f.error_message = 'terminated' then
    return next ('code', 'und_err_socket', f.error_message)::beacon.clue;
  end if;
  -- KeyError: 'TAX_API_TOKEN' is how Python says that a setting is not set.
  if f.error_message ~ '^(?:KeyError: |key not found: )?[''"]?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+[''"]?(?: (?:is|was|must be|has not been|not|'
      'missing|undefined)\M.*)?$'
    and ('keyerror' = any (array(select lower(t) from unnest(types) t)) or f.error_message ~ ' ')
  then
    return next ('code', 'configuration_error', f.error_message)::beacon.clue;
  end if;
  if f.status = 'timeout' then
    return next ('message', 'timed out', null)::beacon.clue;
  end if;
end
$$;

comment on function beacon.span_clues(beacon.span_fact, jsonb) is
  'What a span says about why it failed, in its attributes (of old and new semantic conventions), its error and its events (a JSON '
  'array), including codes, classes, SQLSTATEs and HTTP or gRPC status that its messages quote.';

create function beacon.grpc_names() returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return 'CANCELLED|CANCELED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|'
    'RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED|'
    'Canceled|Unknown|InvalidArgument|DeadlineExceeded|NotFound|AlreadyExists|PermissionDenied|ResourceExhausted|'
    'FailedPrecondition|Aborted|OutOfRange|Unimplemented|Internal|Unavailable|DataLoss|Unauthenticated';
end
$$;

comment on function beacon.grpc_names() is 'The names of gRPC''s status codes, as most languages and as Go write them: a regular '
  'expression.';

create function beacon.grpc_word(said text) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return case
    when said ~ '^\d{1,2}$' then (array['cancelled', 'unknown', 'invalid_argument', 'deadline_exceeded', 'not_found', 'already_exists',
      'permission_denied', 'resource_exhausted', 'failed_precondition', 'aborted', 'out_of_range', 'unimplemented', 'internal',
      'unavailable', 'data_loss', 'unauthenticated'])[said::integer]
    when upper(said) <> 'OK' then lower(regexp_replace(said, '([a-z])([A-Z])', '\1_\2', 'g')) end;
end
$$;

comment on function beacon.grpc_word(text) is 'A gRPC status (number or name) as the vocabulary spells it; null for OK.';

create function beacon.understood(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.failure_origin
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
-- A plan for these very values holds a copy of all spans, and unpacks it for every span that is taken out of it.
set plan_cache_mode = force_generic_plan
as $$
declare
  -- Above the origin callers only pass on what they were given: the nearest few are enough.
  nearest constant integer := 5;
  means beacon.failure_origin[];
  found beacon.failure_origin;
  nth integer := 0;
begin
  if origins is null then
    return;
  end if;
  -- Into a list, and no loop over the query: a loop would work on a copy of all spans.
  with o as materialized (
    select n::integer, b.* from unnest(origins) with ordinality b_n (trace_id, position, span_id, service, operation, kind, status,
      offset_ms, duration_ms, code, http_status, message, callee, callee_operation, callee_position, callee_status, callee_ended,
      callee_late_ms, model_id, region, explains_root, path, span_ids, metadata, way, callee_aborted, callee_is_known, meaning, meant_by,
      said_by, n)
    cross join lateral (select b_n.position, b_n.service, b_n.callee_position, b_n.callee_aborted, b_n.way,
      spans[b_n.way[2]].service as caller) b
  ), speaking as materialized (
    select o.n, o.position as at, 0 as ring from o
    union all
    select o.n, o.callee_position, 0 from o where o.callee_position is not null and not coalesce(o.callee_aborted, false)
    union all
    select o.n, w.at, w.nth::integer from o cross join lateral unnest(o.way[2:nearest]) with ordinality w (at, nth)
  ), voices as materialized (
    select f, f.position as at, f.service, f.span_id, f.trace_id, f.started_at from unnest(spans) f
    where f.position in (select s.at from speaking s)
  ), told as materialized (
    select s.trace_id, s.span_id, s.events
    from beacon.spans_of(array(select distinct v.trace_id from voices v), (select min(v.started_at) from voices v),
      (select max(v.started_at) from voices v)) s
    where s.span_id in (select v.span_id from voices v) and s.events is not null
    union all
    select l.trace_id, l.span_id, l.events
    from beacon.logged_events(array(select distinct v.trace_id from voices v), array(select v.span_id from voices v),
      (select min(v.started_at) - interval '1 hour' from voices v),
      (select max(v.started_at + make_interval(secs => (v.f).duration_ms / 1000)) + interval '1 hour' from voices v)) l
  ), clues as materialized (
    select v.at, v.service, c.source, c.word, c.said from voices v
    left join told t on t.trace_id = v.trace_id and t.span_id = v.span_id
    cross join lateral beacon.span_clues(v.f, t.events) c
  ), words as materialized (
    select distinct c.source, c.word from clues c
  ), entries as materialized (
    select e.source, e.meaning, e.said_by, w.word, '%' || w.word || '%' as pattern from beacon.vocabulary_entries() e
    cross join lateral unnest(e.words) w (word)
  ), meant as materialized (
    select w.source as of_source, w.word, e.source, e.meaning, e.said_by, 1000 as length from words w
    join entries e on e.source = w.source and e.word = w.word
    where w.source <> 'message'
    union all
    -- A state that stands in no row is what its class is.
    select w.source, w.word, e.source, e.meaning, e.said_by, 2 from words w
    join entries e on e.source = 'sqlstate' and e.word = left(w.word, 2)
    where w.source = 'sqlstate' and not exists (select from entries x where x.source = 'sqlstate' and x.word = w.word)
    union all
    -- The longest piece of a message says most.
    select q.* from (
      select distinct on (w.word, e.source) w.source, w.word, e.source as in_source, e.meaning, e.said_by, length(e.word)
      from words w join entries e on e.source in ('message', 'hint') and w.word like e.pattern
      where w.source = 'message'
      order by w.word, e.source, length(e.word) desc) q
    union all
    select q.* from (
      select distinct on (w.word) w.source, w.word, 'hint', e.meaning, e.said_by, length(e.word)
      from words w join entries e on e.source in ('message', 'hint') and w.word like e.pattern and length(e.word) >= 7
        and e.meaning in ('timeout', 'rate_limit', 'unauthorized', 'forbidden', 'quota', 'pool_exhausted', 'out_of_memory', 'circuit_open')
      where w.source = 'name'
        and not exists (select from entries x where x.source in ('class', 'code') and x.word = replace(w.word, ' ', ''))
      order by w.word, length(e.word) desc) q
  ), judged as (
    select distinct on (s.n) s.n, m.meaning, m.source, m.said_by, c.said
    from speaking s
    join o on o.n = s.n
    join clues c on c.at = s.at
    join meant m on m.of_source = c.source and m.word = c.word
    cross join lateral (select m.source in ('grpc', 'jsonrpc', 'http', 'hint') as is_status,
      m.meaning = 'server_error' or m.meaning = 'unavailable' and m.source in ('message', 'class') as is_general,
      m.meaning in ('bug', 'stack_overflow') as is_bug, s.ring = 0 as is_own, c.service in (o.service, o.caller) as is_ours) k
    -- What an ancestor answered to its own caller is not what happened here.
    where k.is_own or m.source not in ('http', 'grpc', 'jsonrpc', 'flag', 'finish')
    order by s.n,
      -- The one place where sources are weighed against each other: words of the failing call and its callee, words around
      -- it in the same service or its caller's, status, a bug, words of callers elsewhere, and last what only says that it failed.
      case
        when k.is_general then 7
        when k.is_bug then case when k.is_own then 4 else 8 end
        when m.meaning = 'cancelled' then case when not k.is_own then 6 when m.source = 'flag' then 0 when m.source = 'hint' then 3.5
          else 2.5 end
        when k.is_own and not k.is_status then 1
        when k.is_own then 3
        when k.is_ours and not k.is_status then 2
        when k.is_status then 6
        else 5 end,
      -- What only says that something was bad yields to what says how, or whose: a parser's class says that an answer was read.
      m.meaning in ('server_error', 'cancelled', 'bad_input', 'not_found') or m.meaning = 'malformed_response' and m.source <> 'class',
      array_position(array['flag', 'code', 'sqlstate', 'finish', 'message', 'class', 'jsonrpc', 'grpc', 'hint', 'http'], m.source),
      m.length desc, s.ring, m.meaning
  ), gave_up as (
    -- Who stops waiting closes the connection, and its library may then report that alone.
    select distinct o.n from o
    join speaking s on s.n = o.n and s.ring = 1
    join clues c on c.at = s.at and c.service = o.service
    join meant m on m.of_source = c.source and m.word = c.word
    where m.meaning = 'timeout' and m.source in ('code', 'class', 'message') and spans[o.position].kind = 'client'
      and spans[o.position].duration_ms >= greatest(200, 0.5 * spans[s.at].duration_ms)
  )
  select array_agg((b.trace_id, b.position, b.span_id, b.service, b.operation, b.kind, b.status, b.offset_ms, b.duration_ms,
    case when coalesce(b.code, '') ~ '^\d*$' and j.source in ('class', 'code', 'hint') and j.said !~ ' ' then j.said else b.code end,
    case when b.callee is not null or l.callee is null then b.http_status end,
    case when j.source in ('message', 'hint', 'code', 'class', 'sqlstate') and j.said like '% %' then coalesce(j.said, b.message)
      else b.message end,
    coalesce(b.callee, l.callee), coalesce(b.callee_operation, l.callee_operation),
    coalesce(b.callee_position, l.callee_position),
    coalesce(b.callee_status, l.callee_status), coalesce(b.callee_ended, l.callee_ended), coalesce(b.callee_late_ms, l.callee_late_ms),
    b.model_id, b.region, b.explains_root, b.path, b.span_ids, b.metadata, b.way, b.callee_aborted,
    coalesce(b.callee_is_known, false) or l.callee_position is not null,
    case when j.meaning = 'reset' and exists (select from gave_up g where g.n = b.n) then 'timeout' else j.meaning end, j.source,
    j.said_by)::beacon.failure_origin order by b.n) into means
  from unnest(origins) with ordinality b (trace_id, position, span_id, service, operation, kind, status,
    offset_ms, duration_ms, code, http_status, message, callee, callee_operation, callee_position, callee_status, callee_ended,
    callee_late_ms, model_id, region, explains_root, path, span_ids, metadata, way, callee_aborted, callee_is_known, meaning, meant_by,
    said_by, n)
  left join judged j on j.n = b.n
  -- The error of a handler that was reading an answer, or waiting for one: the call it had just made says whose.
  left join lateral (
    select c.* from beacon.last_call(spans, b.position, b.way, j.meaning in ('timeout', 'connect_timeout', 'killed')) c
    where b.callee is null and j.meaning in ('reset', 'malformed_response', 'timeout', 'connect_timeout', 'killed')
    -- Keeps the condition in here, so that it is looked at before the function is called.
    offset 0) l on true;
  foreach found in array means loop
    nth := nth + 1;
    -- Who answers 400 has read a request, and no answer.
    if found.meaning = 'malformed_response' and found.kind = 'server' and found.http_status in (400, 422) then
      found.meaning := 'bad_input';
    end if;
    if found.meaning = 'reset' and origins[nth].callee_position is not null and beacon.hung_up(spans, found) then
      found.meaning := 'timeout';
    end if;
    if found.callee is null and found.meaning not in ('bug', 'stack_overflow', 'out_of_memory', 'config_missing', 'killed', 'disk_full',
      'too_many_files') then
      found.callee := coalesce(beacon.called_in_words(spans[found.position], found.message), beacon.called_in_words(spans[found.position],
        origins[nth].message), beacon.called_by_class(
        case when spans[found.position].error_type ~ '[.:]' then spans[found.position].error_type else found.code end,
        found.meaning in ('dns', 'refused', 'unreachable', 'reset', 'tls', 'connect_timeout')));
    end if;
    return next found;
  end loop;
end
$$;

comment on function beacon.understood(beacon.span_fact[], beacon.failure_origin[]) is
  'The same failure origins with what they mean: the clues of the failing span, of the callee that answered it and of the nearest '
  'callers, looked up in the vocabulary. Which source is believed where they differ is decided here and nowhere else.';
