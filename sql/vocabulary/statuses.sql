create function beacon.vocabulary_statuses() returns setof beacon.vocabulary_entry
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- Numbers and short words that a protocol gives as its outcome. 500 and the like say that it failed, and not why.
  return query
  select v.source, v.meaning, v.said_by, v.words from (values
    ('http', 'bad_input', 'RFC 9110; nginx, AWS load balancers', array['400', '405', '406', '411', '415', '416', '417', '418', '421', '422',
      '425', '426', '428', '449', '463', '464', '497']),
    ('http', 'unauthorized', 'RFC 9110; Laravel, IIS, Esri, AWS load balancers', array['401', '407', '419', '440', '498', '511', '561']),
    ('http', 'forbidden', 'RFC 9110', array['403', '451']),
    ('http', 'quota', 'RFC 9110; LLM gateways that bill, Apache', array['402', '509']),
    ('http', 'not_found', 'RFC 9110', array['404', '410']),
    ('http', 'timeout', 'RFC 9110; Cloudflare', array['408', '504', '522', '524', '598', '599']),
    ('http', 'conflict', 'RFC 9110', array['409', '412', '423']),
    ('http', 'too_long', 'RFC 9110', array['413', '414', '431', '494']),
    ('http', 'rate_limit', 'RFC 6585', array['429', '420']),
    ('http', 'cancelled', 'nginx, Envoy', array['499', '460']),
    ('http', 'disk_full', 'RFC 4918', array['507']),
    ('http', 'refused', 'Cloudflare', array['521']),
    ('http', 'tls', 'Cloudflare, nginx', array['495', '496', '525', '526']),
    ('http', 'overloaded', 'Anthropic', array['529']),
    ('http', 'unimplemented', 'RFC 9110', array['501', '505']),
    ('http', 'server_error', 'RFC 9110', array['424', '500', '502', '503', '506', '508', '510', '520', '523', '527', '530', '540']),
    ('grpc', 'cancelled', 'gRPC', array['cancelled', 'canceled']),
    ('grpc', 'server_error', 'gRPC', array['unknown', 'internal', 'data_loss']),
    ('grpc', 'bad_input', 'gRPC', array['invalid_argument', 'out_of_range']),
    ('grpc', 'timeout', 'gRPC', array['deadline_exceeded']),
    ('grpc', 'not_found', 'gRPC', array['not_found']),
    ('grpc', 'conflict', 'gRPC', array['already_exists', 'failed_precondition', 'aborted']),
    ('grpc', 'forbidden', 'gRPC', array['permission_denied']),
    ('grpc', 'rate_limit', 'gRPC', array['resource_exhausted']),
    ('grpc', 'unimplemented', 'gRPC', array['unimplemented']),
    ('grpc', 'unavailable', 'gRPC', array['unavailable']),
    ('grpc', 'unauthorized', 'gRPC', array['unauthenticated']),
    ('jsonrpc', 'bad_input', 'JSON-RPC 2.0, MCP', array['-32600', '-32602', '-32700']),
    ('jsonrpc', 'unimplemented', 'JSON-RPC 2.0, MCP', array['-32601']),
    ('jsonrpc', 'not_found', 'MCP', array['-32002']),
    ('jsonrpc', 'timeout', 'MCP TypeScript SDK', array['-32001']),
    ('jsonrpc', 'reset', 'MCP TypeScript SDK', array['-32000']),
    ('jsonrpc', 'server_error', 'JSON-RPC 2.0, MCP', array['-32603']),
    ('flag', 'unavailable', 'Envoy: no healthy upstream', array['uh', 'lh', 'noroute_healthy']),
    ('flag', 'refused', 'Envoy: connection to the upstream failed', array['uf']),
    ('flag', 'reset', 'Envoy: connection ended or reset', array['uc', 'ur', 'lr']),
    ('flag', 'timeout', 'Envoy: upstream, duration or idle time-out', array['ut', 'dt', 'si', 'umsdr']),
    ('flag', 'circuit_open', 'Envoy: circuit breaker overflow', array['uo']),
    ('flag', 'config_missing', 'Envoy: no route, no cluster', array['nr', 'nc', 'nfcf']),
    ('flag', 'rate_limit', 'Envoy: rate limit', array['rl', 'rlse']),
    ('flag', 'forbidden', 'Envoy: external authorization denied', array['uaex', 'rbac']),
    ('flag', 'cancelled', 'Envoy: downstream went away', array['dc', 'dr']),
    ('flag', 'bad_input', 'Envoy: malformed request', array['dpe', 'ih']),
    ('flag', 'malformed_response', 'Envoy: malformed answer', array['upe']),
    ('flag', 'overloaded', 'Envoy: overload manager', array['om', 'do', 'udo']),
    ('flag', 'dns', 'Envoy: DNS failed', array['df', 'rfcf']),
    ('flag', 'server_error', 'Envoy: retries used up, injected fault', array['urx', 'fi', 'di']),
    ('finish', 'content_filter', 'OpenAI, Azure OpenAI, Anthropic, Bedrock, Gemini', array['content_filter', 'content-filter',
      'contentfilter', 'content_filtered', 'safety', 'refusal', 'recitation', 'prohibited_content', 'blocklist', 'spii', 'image_safety',
      'guardrail_intervened', 'error_toxic', 'flagged', 'blocked', 'guardrail']),
    ('finish', 'malformed_response', 'Gemini', array['malformed_function_call', 'unexpected_tool_call', 'malformed_tool_use']),
    ('finish', 'server_error', 'Vercel AI SDK, Cohere, LiteLLM', array['error']),
    ('finish', 'truncated', 'OpenAI, Anthropic, Gemini', array['length', 'max_tokens', 'max_output_tokens', 'error_limit',
      'model_length', 'model_context_window_exceeded'])
  ) v (source, meaning, said_by, words);
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
  select 'sqlstate', v.meaning, v.said_by, v.words from (values
    ('reset', 'PostgreSQL, MySQL', array['08003', '08006', '08s01', '57p01', '57p02', '57p05', '08007', '25p03']),
    ('refused', 'PostgreSQL', array['08001', '08004', '57p03', '08000', '08']),
    ('malformed_response', 'PostgreSQL', array['08p01']),
    ('unauthorized', 'PostgreSQL, MySQL', array['28p01', '28000', '28']),
    ('forbidden', 'PostgreSQL', array['42501']),
    ('deadlock', 'PostgreSQL', array['40p01']),
    ('serialization', 'PostgreSQL, CockroachDB', array['40001', '40002', '40003', '40']),
    ('lock_timeout', 'PostgreSQL', array['55p03', '55006']),
    ('read_only', 'PostgreSQL', array['25006']),
    ('pool_exhausted', 'PostgreSQL', array['53300', '08c01']),
    ('out_of_memory', 'PostgreSQL', array['53200']),
    ('disk_full', 'PostgreSQL', array['53100']),
    ('quota', 'PostgreSQL', array['53400', '53000', '53', '54', '54000', '54001']),
    ('conflict', 'PostgreSQL, MySQL', array['23505', '23503', '23502', '23514', '23p01', '23000', '23001', '23']),
    ('bad_input', 'PostgreSQL', array['22001', '22003', '22007', '22008', '22012', '22021', '22023', '22p02', '22p03', '22',
      '42601', '42804', '42883', '42725', '42803', '42846', '42702', '0a000', '0a', '21000', '42']),
    ('config_missing', 'PostgreSQL, MySQL', array['42p01', '42703', '3d000', '3f000', '42704', '42s02', '42s22', '26000', '34000',
      '42000_1049']),
    ('aborted_transaction', 'PostgreSQL', array['25p02', '25p01', '25']),
    ('timeout', 'JDBC drivers', array['hyt00', 'hyt01', '57p04', 's1t00']),
    ('server_error', 'PostgreSQL', array['xx000', 'xx001', 'xx002', 'xx', '58000', '58030', '58', 'f0', 'p0001', 'p0', 'hy000'])
  ) v (meaning, said_by, words);
end
$$;

comment on function beacon.vocabulary_sqlstates() is 'What SQLSTATEs mean, whole or by their class; in lower case.';
