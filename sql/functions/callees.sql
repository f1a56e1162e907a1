create function beacon.called_service(spans beacon.span_fact[], of_position integer) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  up beacon.span_fact := spans[f.parent_position];
  called_host text := beacon.called_host(f.metadata);
  called_port text := beacon.called_port(f.metadata);
  said_address text;
  named text := coalesce(beacon.called_name(f.metadata), beacon.called_name(up.metadata));
begin
  -- A handshake or a connection within a call: the call knows the name.
  if (called_host is null or called_host ~ '^[\d.]+$') and up.kind = 'client' and up.service = f.service
    and beacon.called_host(up.metadata) is not null
  then
    called_host := beacon.called_host(up.metadata);
    called_port := beacon.called_port(up.metadata);
  end if;
  if called_host is null and f.error_message is not null and not f.metadata ?| array['db.system', 'db.system.name', 'gen_ai.system',
    'gen_ai.provider.name', 'llm.system', 'llm.provider', 'messaging.system'] then
    said_address := beacon.address_in(f.error_message);
    called_port := substring(said_address from ':(\d+)$');
    called_host := regexp_replace(said_address, ':\d+$', '');
    -- A name of what was called says more than a number.
    if said_address ~ '^\d' and beacon.called_kind(f.metadata) is not null then
      called_host := null;
    end if;
  end if;
  -- A number is where it went; a certificate is asked for by name.
  if called_host ~ '^[\d.]+$' and f.error_message ~* 'certificate|subject alternative' then
    called_host := coalesce(substring(beacon.address_in(f.error_message) from '^[A-Za-z][^:]*'), called_host);
  end if;
  if named is not null or (called_host is null and not f.metadata ?| array['rpc.system', 'rpc.system.name', 'rpc.service']) then
    return coalesce(named, beacon.called_kind(f.metadata));
  end if;
  return beacon.service_at(f, called_host, called_port);
end
$$;

comment on function beacon.called_service(beacon.span_fact[], integer) is
  'What a call was meant for when no server span answers it: the name that the caller or its mesh states, else what stands at its address '
  '(see service_at); without an address the kind of thing that was called.';

create function beacon.service_at(f beacon.span_fact, called_host text, called_port text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
-- Which traces are recent is known only when it runs.
set plan_cache_mode = auto
-- How many of their spans are calls is a guess: a loop over all spans for each call took longer than the rest of a verdict.
set enable_nestloop = off
as $$
declare
  first_label text := substring(called_host from '^([a-zA-Z][^.]*)');
  recent uuid[];
  since timestamptz;
  until timestamptz;
  named text;
begin
  -- Nothing answered here, but something may have answered a call to the same address in another trace, or be called
  -- like the host. Where neither is known the address is the name: a guess would charge an innocent service.
  recent := beacon.recent_traces(f.started_at, 200);
  select min(t.started_at), max(coalesce(t.completed_at, t.updated_at)) into since, until
  from beacon.traces t where t.trace_id = any (recent);
  with s as materialized (
    select x.trace_id, x.span_id, x.parent_span_id, x.service, x.kind, x.kind = 'client' and x.operation = f.operation as alike,
      x.kind = 'client' and beacon.called_host(x.metadata) = called_host
        and beacon.called_port(x.metadata) is not distinct from called_port as there,
      x.kind = 'client' and beacon.called_host(x.metadata) = called_host as same_host
    from beacon.spans_of(recent, since, until) x
    where (x.kind = 'server' or (x.kind = 'client' and x.service = f.service))
  )
  select coalesce(
    (select callee.service from s call
     join s callee on callee.trace_id = call.trace_id and callee.parent_span_id = call.span_id and callee.kind = 'server'
     where call.there group by callee.service order by count(*) desc, callee.service limit 1),
    (select min(x.service) from s x where x.kind = 'server' and x.service = first_label and x.service <> f.service),
    -- Another port of a host on which one service alone has answered.
    (select min(callee.service) from s call
     join s callee on callee.trace_id = call.trace_id and callee.parent_span_id = call.span_id and callee.kind = 'server'
     where call.same_host having count(distinct callee.service) = 1 and count(*) >= 5),
    -- The method of a remote procedure names its service where all earlier calls of it went to one.
    (select min(callee.service) from s call
     join s callee on callee.trace_id = call.trace_id and callee.parent_span_id = call.span_id and callee.kind = 'server'
     where call.alike and called_host is null having count(distinct callee.service) = 1)) into named;
  if called_host is null then
    return coalesce(named, beacon.called_kind(f.metadata));
  end if;
  return coalesce(named,
    -- api.openai.com is openai; a gateway of one's own that speaks its protocol is not.
    (select k.name from (select regexp_replace(coalesce(f.metadata ->> 'gen_ai.provider.name', f.metadata ->> 'gen_ai.system'), '^.*[.]',
      '')) k (name)
     where called_host like '%' || k.name || '.%'),
    concat_ws(':', called_host, nullif(nullif(called_port, '443'), '80')));
end
$$;

comment on function beacon.service_at(beacon.span_fact, text, text) is
  'What stands at the address that a call went to: the service that answered there in the last 200 traces of the day, else a service '
  'that is called like the host, else the only one that answered on that host (five times or more), else the model provider, else '
  'the address itself; without an address the kind of thing that was called.';

create function beacon.last_call(spans beacon.span_fact[], of_position integer, way integer[], waited boolean) returns table (
  callee text, callee_operation text, callee_position integer, callee_status text, callee_ended boolean, callee_late_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  -- An error surfaces within moments of what caused it.
  moments constant double precision := 50;
  o beacon.span_fact := spans[of_position];
  frame beacon.span_fact;
  call beacon.span_fact;
  answer beacon.span_fact;
  at integer;
begin
  if o.kind in ('client', 'producer') then
    return;
  end if;
  foreach at in array way loop
    exit when spans[at].service <> o.service;
    frame := spans[at];
    exit when frame.kind in ('server', 'consumer');
  end loop;
  select f.* into call from unnest(spans) f
  where f.trace_id = o.trace_id and f.service = o.service and f.kind = 'client' and f.position > frame.position
    -- Who timed out was waiting for most of its time.
    and (not waited or coalesce(f.metadata ->> 'error.type', '') ~* 'cancel|abort|timeout'
      or f.duration_ms >= 0.5 * (o.offset_ms + o.duration_ms - f.offset_ms) and f.duration_ms >= 0.15 * o.duration_ms)
    and f.offset_ms between frame.offset_ms and o.offset_ms + o.duration_ms
    and (f.offset_ms + f.duration_ms >= least(o.offset_ms, o.offset_ms + o.duration_ms - moments) - moments
      or waited and coalesce(f.metadata ->> 'error.type', '') ~* 'cancel|abort|timeout')
  order by f.offset_ms desc limit 1;
  if call.position is null then
    -- Or what it had handed over, and waits for: who took it up, or usually does.
    select f.* into call from unnest(spans) f
    where waited and f.trace_id = o.trace_id and f.service = o.service and f.kind = 'producer' and f.position > frame.position
      and f.offset_ms between frame.offset_ms and o.offset_ms + o.duration_ms
    order by f.offset_ms desc limit 1;
    if call.position is not null then
      select f.* into answer from unnest(spans) f where f.parent_position = call.position and f.kind = 'consumer'
      order by f.offset_ms desc limit 1;
      return query select coalesce(answer.service, c.service), coalesce(answer.operation, c.operation), answer.position, answer.status,
        answer.ended, answer.offset_ms + answer.duration_ms - o.offset_ms - o.duration_ms
      from (select 1) one left join beacon.usual_consumer(call) c on answer.position is null;
    end if;
    return;
  end if;
  select f.* into answer from unnest(spans) f
  where f.parent_position = call.position and f.kind in ('server', 'consumer') order by f.offset_ms desc limit 1;
  return query select coalesce(answer.service, beacon.called_service(spans, call.position)), coalesce(answer.operation, call.operation),
    answer.position, answer.status, answer.ended, answer.offset_ms + answer.duration_ms - o.offset_ms - o.duration_ms;
end
$$;

comment on function beacon.last_call(beacon.span_fact[], integer, integer[], boolean) is
  'What a failed span that is no call itself had called last within its service, where that call was still running or had ended within 50 '
  'ms before it (waited: for most of its time); or who took up what it had handed over, or usually does. No row where there was '
  'neither.';

create function beacon.usual_consumer(f beacon.span_fact) returns table (service text, operation text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with recent as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind
    from beacon.spans_of(beacon.recent_traces(f.started_at, 200), f.started_at - interval '2 days', f.started_at + interval '2 hours') s
    where s.kind in ('producer', 'consumer')
  )
  select c.service, min(c.operation) from recent p
  join recent c on c.trace_id = p.trace_id and c.parent_span_id = p.span_id and c.kind = 'consumer'
  where p.kind = 'producer' and p.service = f.service and p.operation = f.operation
  group by c.service
  order by count(*) desc, c.service limit 1;
end
$$;

comment on function beacon.usual_consumer(beacon.span_fact) is
  'Which service took up what this operation had sent, in the last 200 traces of the day; no row where none did.';

create function beacon.called_in_words(f beacon.span_fact, said text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  -- Where to read more is not what was called.
  address constant text := beacon.address_in(regexp_replace(said,
    'https?://\S*\m(docs?|help|learn|developers?|support|errors?|troubleshooting|status|aka|redirects|haxx|account)\M\S*', '', 'g'));
  named text;
begin
  if address is null or f.kind in ('client', 'producer') then
    return null;
  end if;
  named := beacon.service_at(f, regexp_replace(address, ':\d+$', ''), substring(address from ':(\d+)$'));
  -- A number that nothing is known of says less than the name of the one who called.
  return case when named <> f.service and named !~ '^[\d.:]+$' then named end;
end
$$;

comment on function beacon.called_in_words(beacon.span_fact, text) is
  'What a failure that is no call was about, where its words name an address: the service that stands there, or the address. Null for '
  'none, for its own, and for a bare number.';

create function beacon.hung_up(spans beacon.span_fact[], b beacon.failure_origin) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  callee beacon.span_fact;
begin
  -- A caller that stops waiting closes the connection, and some libraries then report only that it was closed. A callee
  -- that cuts its answer short does not first work on it far longer than usual, and then end well.
  if b.callee_position is null or b.callee_aborted or b.callee_status not in ('completed', 'started') or b.http_status is not null then
    return false;
  end if;
  callee := spans[b.callee_position];
  return b.callee_late_ms > -0.2 * b.duration_ms and callee.duration_ms >= 200
    and exists (select from beacon.usuals(array[callee]) u where u.telling and callee.duration_ms > 3 * u.p95_ms);
end
$$;

comment on function beacon.hung_up(beacon.span_fact[], beacon.failure_origin) is
  'Whether a call that reports a broken connection was rather given up by its caller: the callee had worked for three times its usual 95th '
  'percentile, until about the end of the call or beyond, and did not fail.';

create function beacon.usual_caller(f beacon.span_fact) returns table (service text, operation text, calls bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  -- A caller that is still at work exports later; one that is killed never does.
  patience constant interval := interval '1 minute';
begin
  if f.started_at + make_interval(secs => f.duration_ms / 1000) + patience > beacon.clock() then
    return;
  end if;
  return query
  with recent as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.duration_ms
    from beacon.spans_of(array_remove(beacon.recent_traces(f.started_at, 200), f.trace_id), f.started_at - interval '2 days',
      f.started_at + interval '2 hours') s
  ), callers as (
    select p.service, min(p.operation) as operation, max(p.duration_ms) as longest_ms from recent c
    left join recent p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id
    where c.service = f.service and c.operation = f.operation
    group by c.trace_id, p.service)
  select max(c.service), min(c.operation), count(c.service) from callers c
  -- Where callers go missing now and then, they are not traced, or sampled out.
  having count(c.service) >= 10 and count(c.service) >= 0.95 * count(*) and count(distinct c.service) = 1
    and max(c.longest_ms) < 1000 * extract(epoch from beacon.clock() - f.started_at);
end
$$;

comment on function beacon.usual_caller(beacon.span_fact) is
  'The one service whose span called this operation in nearly all of the last 200 traces of the day (at least ten), where the '
  'caller of this one is missing for longer than such calls ever took, and a minute after it ended; no row else.';

create function beacon.called_by_class(class text, unreached boolean) returns text
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return coalesce(
    (select case package
       when 'google.genai' then 'google' when 'google.api_core' then 'google' when 'botocore' then 'aws' when 'mistralai' then 'mistral'
       when 'huggingface_hub' then 'huggingface' when 'slack_sdk' then 'slack' else package end
     from substring(class from '^(openai|anthropic|cohere|groq|mistralai|ollama|huggingface_hub|together|replicate|google\.genai|'
       'google\.api_core|botocore|stripe|twilio|slack_sdk)\.') package),
    -- What a database answers is about the statement; only where it was not reached is it what failed.
    case when not unreached then null
      when class ~* '^(pymongo\.|com\.mongodb\.|mongo)' then 'mongodb'
      when class ~* '^(redis\.|redis::|io\.lettuce\.|redis\.clients\.)' then 'redis'
      when class ~* '^(psycopg2?\.|asyncpg\.|pg::|org\.postgresql\.)' then 'postgresql'
      when class ~* '^(pymysql\.|aiomysql\.|mysqldb\.|mysql2?[.:]|com\.mysql\.)' then 'mysql'
      when class ~* '^(aiokafka\.|kafka\.|kafkajs|org\.apache\.kafka\.)' then 'kafka'
      when class ~* '^(pika\.|amqp|com\.rabbitmq\.|bunny::)' then 'rabbitmq'
      when class ~* '^(elasticsearch\.|elastic_transport\.)' then 'elasticsearch'
      when class ~* '^(cassandra\.|com\.datastax\.)' then 'cassandra' end);
end
$$;

comment on function beacon.called_by_class(text, boolean) is
  'What was called, by the package of an exception class, for a failure that neither a span of a call nor an address tells of: '
  'cohere.errors.NotFoundError is what cohere answered. Drivers of databases and brokers count where their server was not reached '
  '(unreached). Null for all other classes.';
