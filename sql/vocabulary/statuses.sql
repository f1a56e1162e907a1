create function beacon.vocabulary_statuses() returns setof beacon.vocabulary_entry
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- Numbers and short words that a protocol gives as its outcome. 500 and the like say that it failed, and not why.
  return query
  select v.source, v.meaning, v.said_by, v.recorded, v.words from (values
    ('http', 'bad_input', 'RFC 9110', false, array['400', '405', '406', '411', '415', '416', '417', '422', '428']),
    ('http', 'unauthorized', 'RFC 9110', false, array['401', '407', '511']),
    ('http', 'forbidden', 'RFC 9110', false, array['403', '451']),
    ('http', 'quota', 'RFC 9110; LLM gateways that bill', false, array['402']),
    ('http', 'not_found', 'RFC 9110', false, array['404', '410']),
    ('http', 'timeout', 'RFC 9110; Cloudflare', false, array['408', '504', '522', '524', '598', '599']),
    ('http', 'conflict', 'RFC 9110', false, array['409', '412', '423']),
    ('http', 'too_long', 'RFC 9110', false, array['413', '414', '431']),
    ('http', 'rate_limit', 'RFC 6585', false, array['429', '420']),
    ('http', 'cancelled', 'nginx, Envoy', false, array['499', '460']),
    ('http', 'disk_full', 'RFC 4918', false, array['507']),
    ('http', 'refused', 'Cloudflare', false, array['521']),
    ('http', 'tls', 'Cloudflare', false, array['525', '526']),
    ('http', 'overloaded', 'Anthropic', false, array['529']),
    ('http', 'unimplemented', 'RFC 9110', false, array['501', '505']),
    ('http', 'server_error', 'RFC 9110', false, array['424', '500', '502', '503', '520', '523', '530']),
    ('grpc', 'cancelled', 'gRPC', false, array['cancelled', 'canceled']),
    ('grpc', 'server_error', 'gRPC', false, array['unknown', 'internal', 'data_loss']),
    ('grpc', 'bad_input', 'gRPC', false, array['invalid_argument', 'out_of_range']),
    ('grpc', 'timeout', 'gRPC', false, array['deadline_exceeded']),
    ('grpc', 'not_found', 'gRPC', false, array['not_found']),
    ('grpc', 'conflict', 'gRPC', false, array['already_exists', 'failed_precondition', 'aborted']),
    ('grpc', 'forbidden', 'gRPC', false, array['permission_denied']),
    ('grpc', 'rate_limit', 'gRPC', false, array['resource_exhausted']),
    ('grpc', 'unimplemented', 'gRPC', false, array['unimplemented']),
    ('grpc', 'unavailable', 'gRPC', false, array['unavailable']),
    ('grpc', 'unauthorized', 'gRPC', false, array['unauthenticated']),
    ('jsonrpc', 'bad_input', 'JSON-RPC 2.0, MCP', false, array['-32600', '-32602', '-32700']),
    ('jsonrpc', 'unimplemented', 'JSON-RPC 2.0, MCP', false, array['-32601']),
    ('jsonrpc', 'not_found', 'MCP', false, array['-32002']),
    ('jsonrpc', 'timeout', 'MCP TypeScript SDK', false, array['-32001']),
    ('jsonrpc', 'reset', 'MCP TypeScript SDK', false, array['-32000']),
    ('jsonrpc', 'server_error', 'JSON-RPC 2.0, MCP', false, array['-32603']),
    ('flag', 'unavailable', 'Envoy: no healthy upstream', false, array['uh', 'lh', 'noroute_healthy']),
    ('flag', 'refused', 'Envoy: connection to the upstream failed', false, array['uf']),
    ('flag', 'reset', 'Envoy: connection ended or reset', false, array['uc', 'ur', 'lr']),
    ('flag', 'timeout', 'Envoy: upstream, duration or idle time-out', false, array['ut', 'dt', 'si', 'umsdr']),
    ('flag', 'circuit_open', 'Envoy: circuit breaker overflow', false, array['uo']),
    ('flag', 'config_missing', 'Envoy: no route, no cluster', false, array['nr', 'nc', 'nfcf']),
    ('flag', 'rate_limit', 'Envoy: rate limit', false, array['rl', 'rlse']),
    ('flag', 'forbidden', 'Envoy: external authorization denied', false, array['uaex', 'rbac']),
    ('flag', 'cancelled', 'Envoy: downstream went away', false, array['dc', 'dr']),
    ('flag', 'bad_input', 'Envoy: malformed request', false, array['dpe', 'ih']),
    ('flag', 'malformed_response', 'Envoy: malformed answer', false, array['upe']),
    ('flag', 'overloaded', 'Envoy: overload manager', false, array['om', 'do', 'udo']),
    ('flag', 'dns', 'Envoy: DNS failed', false, array['df', 'rfcf']),
    ('flag', 'server_error', 'Envoy: retries used up, injected fault', false, array['urx', 'fi', 'di']),
    ('finish', 'content_filter', 'OpenAI, Azure OpenAI, Anthropic, Bedrock, Gemini', false, array['content_filter', 'content-filter',
      'contentfilter', 'content_filtered', 'safety', 'refusal', 'recitation', 'prohibited_content', 'blocklist', 'spii', 'image_safety',
      'guardrail_intervened', 'error_toxic', 'flagged', 'blocked', 'guardrail']),
    ('finish', 'malformed_response', 'Gemini', false, array['malformed_function_call', 'unexpected_tool_call', 'malformed_tool_use']),
    ('finish', 'server_error', 'Vercel AI SDK, Cohere, LiteLLM', false, array['error']),
    ('finish', 'truncated', 'OpenAI, Anthropic, Gemini', false, array['length', 'max_tokens', 'max_output_tokens', 'error_limit',
      'model_length', 'model_context_window_exceeded'])
  ) v (source, meaning, said_by, recorded, words);
end
$$;

comment on function beacon.vocabulary_statuses() is
  'What outcomes of protocols mean: HTTP, gRPC and JSON-RPC status, Envoy''s response flags, finish reasons of language models.';

create function beacon.vocabulary_sqlstates() returns setof beacon.vocabulary_entry
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- Five characters are a state, two the class of all states that have no line of their own.
  return query
  select 'sqlstate', v.meaning, v.said_by, v.recorded, v.words from (values
    ('reset', 'PostgreSQL, MySQL', false, array['08003', '08006', '08s01', '57p01', '57p02', '57p05', '08007', '25p03']),
    ('refused', 'PostgreSQL', false, array['08001', '08004', '57p03', '08000', '08']),
    ('malformed_response', 'PostgreSQL', false, array['08p01']),
    ('unauthorized', 'PostgreSQL, MySQL', false, array['28p01', '28000', '28']),
    ('forbidden', 'PostgreSQL', false, array['42501']),
    ('deadlock', 'PostgreSQL', false, array['40p01']),
    ('serialization', 'PostgreSQL, CockroachDB', false, array['40001', '40002', '40003', '40']),
    ('lock_timeout', 'PostgreSQL', false, array['55p03', '55006']),
    ('read_only', 'PostgreSQL', false, array['25006']),
    ('pool_exhausted', 'PostgreSQL', false, array['53300', '08c01']),
    ('out_of_memory', 'PostgreSQL', false, array['53200']),
    ('disk_full', 'PostgreSQL', false, array['53100']),
    ('quota', 'PostgreSQL', false, array['53400', '53000', '53', '54', '54000', '54001']),
    ('conflict', 'PostgreSQL, MySQL', false, array['23505', '23503', '23502', '23514', '23p01', '23000', '23001', '23']),
    ('bad_input', 'PostgreSQL', false, array['22001', '22003', '22007', '22008', '22012', '22021', '22023', '22p02', '22p03', '22',
      '42601', '42804', '42883', '42725', '42803', '42846', '42702', '0a000', '0a', '21000', '42']),
    ('config_missing', 'PostgreSQL, MySQL', false, array['42p01', '42703', '3d000', '3f000', '42704', '42s02', '42s22', '26000', '34000',
      '42000_1049']),
    ('aborted_transaction', 'PostgreSQL', false, array['25p02', '25p01', '25']),
    ('timeout', 'JDBC drivers', false, array['hyt00', 'hyt01', '57p04', 's1t00']),
    ('server_error', 'PostgreSQL', false, array['xx000', 'xx001', 'xx002', 'xx', '58000', '58030', '58', 'f0', 'p0001', 'p0', 'hy000'])
  ) v (meaning, said_by, recorded, words);
end
$$;

comment on function beacon.vocabulary_sqlstates() is 'What SQLSTATEs mean, whole or by their class; in lower case.';
