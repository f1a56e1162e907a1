create function beacon.http_status(metadata jsonb) returns integer
language sql immutable parallel safe
as $$
  select substring(coalesce(metadata ->> 'http.response.status_code', metadata ->> 'http.status_code',
    metadata ->> 'http.response.status', metadata ->> 'http.status') from '^[1-5]\d\d$')::integer
$$;

comment on function beacon.http_status(jsonb) is 'The status of an HTTP answer, under its name of today or one of before; null for none.';

create function beacon.called_host(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select nullif(coalesce(metadata ->> 'server.address', metadata ->> 'net.peer.name', metadata ->> 'peer.hostname',
    metadata ->> 'net.sock.peer.name',
    substring(coalesce(metadata ->> 'url.full', metadata ->> 'http.url', metadata ->> 'db.connection_string', metadata ->> 'messaging.url')
      from '://(?:[^/@]*@)?(\[[^\]]+\]|[^/:?#]+)'),
    substring(metadata ->> 'http.host' from '^(?:\[[^\]]+\]|[^:]+)'), metadata ->> 'net.peer.ip', metadata ->> 'network.peer.address',
    metadata ->> 'net.sock.peer.addr', metadata ->> 'out.host'), '')
$$;

comment on function beacon.called_host(jsonb) is
  'The host that a call went to, by its address attributes of today and before, or by its URL; null where nothing names it.';

create function beacon.called_port(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select nullif(coalesce(metadata ->> 'server.port', metadata ->> 'net.peer.port',
    substring(coalesce(metadata ->> 'url.full', metadata ->> 'http.url', metadata ->> 'db.connection_string', metadata ->> 'messaging.url')
      from '://(?:[^/@]*@)?(?:\[[^\]]+\]|[^/:?#]+):(\d+)'),
    substring(metadata ->> 'http.host' from ':(\d+)$'), metadata ->> 'network.peer.port', metadata ->> 'net.sock.peer.port'), '')
$$;

comment on function beacon.called_port(jsonb) is 'The port that a call went to, as text, from the same attributes as called_host.';

create function beacon.called_name(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select nullif(coalesce(metadata ->> 'peer.service', metadata ->> 'service.peer.name',
    -- Envoy: outbound|8080||payments.default.svc.cluster.local
    substring(coalesce(metadata ->> 'upstream_cluster.name', metadata ->> 'upstream_cluster') from
      '^(?:outbound\|\d*\|[^|]*\|)?([^.:|]+)'),
    -- AWS SDKs name the service beside the method, or before it: Bedrock Runtime/Converse, S3.PutObject.
    case when coalesce(metadata ->> 'rpc.system', metadata ->> 'rpc.system.name') = 'aws-api'
      then coalesce(metadata ->> 'rpc.service', substring(metadata ->> 'rpc.method' from '^([^/.]+)[/.]')) end), '')
$$;

comment on function beacon.called_name(jsonb) is
  'The name of the service that a call was meant for, where the caller or its mesh states one: no address.';

create function beacon.called_kind(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(metadata ->> 'gen_ai.provider.name', metadata ->> 'gen_ai.system', metadata ->> 'llm.provider', metadata ->> 'llm.system',
    metadata ->> 'ai.model.provider',
    -- LangChain says so in metadata of its own.
    substring(metadata ->> 'metadata' from '"ls_provider": ?"([\w.-]+)"'), metadata ->> 'traceloop.association.properties.ls_provider',
    metadata ->> 'db.system.name', metadata ->> 'db.system', metadata ->> 'messaging.system', metadata ->> 'rpc.service',
    metadata ->> 'faas.invoked_name', metadata ->> 'gen_ai.tool.name')
$$;

comment on function beacon.called_kind(jsonb) is
  'What kind of thing was called (model provider, database, broker, RPC service), for calls that state neither name nor address.';

create function beacon.output_tokens(metadata jsonb) returns bigint
language sql immutable parallel safe
as $$
  select substring(coalesce(metadata ->> 'gen_ai.usage.output_tokens', metadata ->> 'gen_ai.usage.completion_tokens',
    metadata ->> 'llm.token_count.completion', metadata ->> 'llm.usage.completion_tokens', metadata ->> 'ai.usage.completionTokens',
    metadata ->> 'ai.usage.outputTokens', metadata ->> 'gen_ai.usage.output', metadata ->> 'gen_ai.aggregated_usage.output_tokens',
    substring(metadata ->> 'langfuse.observation.usage_details' from '"(?:output|completion_tokens|output_tokens)": ?(\d+)'))
    from '^\d{1,15}$')::bigint
$$;

comment on function beacon.output_tokens(jsonb) is
  'Tokens that a model answered with, as OpenTelemetry, OpenInference, OpenLLMetry, the Vercel AI SDK or Langfuse name them.';

create function beacon.input_tokens(metadata jsonb) returns bigint
language sql immutable parallel safe
as $$
  select substring(coalesce(metadata ->> 'gen_ai.usage.input_tokens', metadata ->> 'gen_ai.usage.prompt_tokens',
    metadata ->> 'llm.token_count.prompt', metadata ->> 'llm.usage.prompt_tokens', metadata ->> 'ai.usage.promptTokens',
    metadata ->> 'ai.usage.inputTokens', metadata ->> 'gen_ai.usage.input', metadata ->> 'gen_ai.aggregated_usage.input_tokens',
    substring(metadata ->> 'langfuse.observation.usage_details' from '"(?:input|prompt_tokens|input_tokens)": ?(\d+)'))
    from '^\d{1,15}$')::bigint
$$;

comment on function beacon.input_tokens(jsonb) is 'Tokens that a model was asked with, under the same conventions as output_tokens.';

create function beacon.finish_reasons(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select lower(coalesce(metadata ->> 'gen_ai.response.finish_reasons', metadata ->> 'gen_ai.response.finish_reason',
    metadata ->> 'gen_ai.completion.0.finish_reason', metadata ->> 'ai.response.finishReason', metadata ->> 'gen_ai.finish_reason',
    metadata ->> 'llm.response.finish_reason', metadata ->> 'llm.response.stop_reason', metadata ->> 'llm.finish_reason',
      metadata ->> 'anthropic.message.stop_reason',
    metadata ->> 'stop_reason', metadata ->> 'finish_reason'))
$$;

comment on function beacon.finish_reasons(jsonb) is 'Why a model stopped, one word or a list of them, in lower case.';

create function beacon.gave_up(status text, error_type text, error_message text, metadata jsonb) returns boolean
language sql immutable parallel safe
as $$
  select status = 'timeout' or concat_ws(' ', error_type, error_message) ~* 'time[sd]?[ -]?out|deadline|\mabort|cancell?ed'
    or coalesce(metadata ->> 'rpc.grpc.status_code', metadata ->> 'rpc.response.status_code') in ('1', '4', 'CANCELLED',
      'DEADLINE_EXCEEDED')
$$;

comment on function beacon.gave_up(text, text, text, jsonb) is
  'Whether a failed span ended because it would not wait any longer, or was not meant to go on: timed out, aborted or cancelled.';

create function beacon.address_in(message text) returns text
language sql immutable parallel safe
as $$
  select coalesce(
    substring(message from '(?:lookup|ENOTFOUND|EAI_AGAIN|resolve host(?:name)?:?|host|dial tcp:? lookup)[ '
      '"''`:]+([A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,}(?::\d{1,5})?)'),
    substring(message from '\m(?:https?|wss?|amqps?|rediss?|mongodb(?:\+srv)?|postgres(?:ql)?|mysql|nats|grpcs?|tcp)://(?:[^/@\s"'']*@)?'
      '([A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?)'),
    substring(message from 'host=''([A-Za-z0-9.-]+)'', port=\d'),
    -- pgx gives the number and the name, MySQL's drivers the name alone, MongoDB's and others' the address at first.
    substring(message from '\d:\d{2,5} \(([A-Za-z][A-Za-z0-9.-]*)\):'),
    -- The name that a certificate was not made out to.
    substring(message from '(?:name matching|, not|not valid for|Host:) ''?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?:''| found|\. is not|$)'),
    substring(message from 'server on ''([A-Za-z0-9][A-Za-z0-9.-]*)'''),
    substring(message from '^(?:\w+(?:Error|Exception): )?([A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*:\d{2,5}): '),
    substring(message from '(\d{1,3}(?:\.\d{1,3}){3}:\d{1,5})'),
    substring(message from '(?:at|to|connecting to|connect to host|server|for|with) [`"'']?'
      '([a-zA-Z0-9](?:[a-zA-Z0-9-]*\.)*[a-zA-Z0-9-]+:\d{2,5})\M'))
$$;

comment on function beacon.address_in(text) is 'The address (host, or host:port) that the message of a failed connection names, also as a '
  'part of a URL; null for none.';

create function beacon.calls_a_model(kind text, metadata jsonb) returns boolean
language sql immutable parallel safe
as $$
  select kind = 'internal' and (metadata ->> 'openinference.span.kind' in ('LLM', 'EMBEDDING')
    or metadata ->> 'gen_ai.operation.name' in ('chat', 'text_completion', 'generate_content', 'embeddings')
    or metadata ? 'llm.request.type' or metadata ->> 'langfuse.observation.type' = 'generation'
    or metadata ->> 'ai.operationId' ~ '\.do(Generate|Stream|Embed)$')
$$;

comment on function beacon.calls_a_model(text, jsonb) is
  'Whether a span of this kind is a call of a language model that its library records as internal work.';

create function beacon.plain_text(message text) returns text
language sql immutable parallel safe
as $$
  select case
    when message !~ '\mTraceback \(most recent' then message
    when message ~ '^\s*Traceback' then substring(message from '\n([^\s][^\n]*)\s*$')
    else regexp_replace(message, '\s*Traceback \(most recent.*$', '') end
$$;

comment on function beacon.plain_text(text) is
  'A message without the Python stack trace that some libraries append to it, or which it is: of that the last line.';
