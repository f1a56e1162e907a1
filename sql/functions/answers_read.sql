create function beacon.text_of(said jsonb) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  key text;
begin
  case jsonb_typeof(said)
    when 'string' then
      return said #>> '{}';
    when 'array' then
      return (select nullif(string_agg(p.text, e'\n' order by p.nth), '') from (
        select beacon.text_of(e.part) as text, e.nth from jsonb_array_elements(said) with ordinality e (part, nth)
        -- Calls of tools, reasoning and pictures are not what was said.
        where jsonb_typeof(e.part) <> 'object'
          or coalesce(e.part ->> 'type', 'text') in ('text', 'output_text', 'input_text', 'message', 'refusal', 'human', 'ai')
            and coalesce(e.part ->> 'thought', 'false') <> 'true') p where p.text is not null);
    when 'object' then
      foreach key in array array['content', 'text', 'parts', 'message', 'refusal', 'output_text', 'output', 'answer', 'value', 'data',
        'kwargs']
      loop
        if jsonb_typeof(said -> key) in ('string', 'array', 'object') then
          return beacon.text_of(said -> key);
        end if;
      end loop;
      return null;
    else
      return case when said is not null and jsonb_typeof(said) in ('number', 'boolean') then said #>> '{}' end;
  end case;
end
$$;

comment on function beacon.text_of(jsonb) is
  'The text in a message or a part of one, in whatever shape a provider or framework has it: calls of tools, reasoning and pictures are '
  'left out. Null where there is none.';

create function beacon.message_of(said jsonb, roles text[]) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  key text;
  found_text text;
begin
  if jsonb_typeof(said) = 'object' then
    foreach key in array array['messages', 'choices', 'candidates', 'generations', 'contents', 'output', 'input', 'prompt', 'update'] loop
      if jsonb_typeof(said -> key) in ('array', 'object') then
        found_text := beacon.message_of(said -> key, roles);
      elsif jsonb_typeof(said -> key) = 'string' and key in ('output', 'input', 'prompt') then
        found_text := said ->> key;
      end if;
      if found_text is not null then
        return found_text;
      end if;
    end loop;
    if jsonb_typeof(said -> 'message') = 'object' then
      return beacon.message_of(said -> 'message', roles);
    end if;
    return case when coalesce(said ->> 'role', said ->> 'type', roles[1]) = any (roles || '{text,message,constructor}')
      then beacon.text_of(said) end;
  end if;
  if jsonb_typeof(said) = 'array' then
    if jsonb_typeof(said -> 0) = 'array' then
      return beacon.message_of(said -> 0, roles);
    end if;
    -- The last of those who were asked about; a list without roles is one message in parts.
    if exists (select from jsonb_array_elements(said) e where jsonb_typeof(e.value) = 'object' and (e.value ? 'role'
        or e.value ->> 'type' in ('human', 'ai', 'system') or e.value ? 'message' or e.value ? 'update')) then
      return (select m.text from (select beacon.message_of(e.value, roles) as text, e.nth
        from jsonb_array_elements(said) with ordinality e (value, nth)) m where m.text is not null order by m.nth desc limit 1);
    end if;
    return beacon.text_of(said);
  end if;
  return beacon.text_of(said);
end
$$;

comment on function beacon.message_of(jsonb, text[]) is
  'The last message of one of the roles in a conversation, an answer or a request, in the shapes of OpenTelemetry, OpenAI, Anthropic, '
  'Gemini and LangChain. Null where no message is theirs.';

create function beacon.spoken(said text, roles text[]) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  if said is null or said !~ '^\s*[\[{"]' or said ~ '^\[\d+ characters, sha256 [0-9a-f]+\]$' then
    return said;
  end if;
  return beacon.message_of(said::jsonb, roles);
exception when invalid_text_representation or untranslatable_character or statement_too_complex then
  return said;
end
$$;

comment on function beacon.spoken(text, text[]) is
  'What an attribute says that one of the roles said: the text itself, or the message in the JSON that it holds.';

create function beacon.numbered_message(metadata jsonb, prefix text, roles text[]) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- gen_ai.prompt.0.role, gen_ai.prompt.0.content; llm.input_messages.0.message.contents.0.message_content.text
  return (
    select m.text from (
      select k.nth, max(k.value) filter (where k.leaf ~ '^(message\.)?role$') as role,
        string_agg(k.value, e'\n' order by k.leaf) filter (where k.leaf ~ '^(message\.)?(content|contents\.\d+\.message_content\.text)$')
          as text
      from (
        select (regexp_match(e.key, '\.(\d{1,4})\.'))[1]::integer as nth, regexp_replace(substr(e.key, length(prefix) + 1), '^\.\d+\.', '')
          as leaf, e.value
        from jsonb_each_text(metadata) e where starts_with(e.key, prefix || '.') and e.key ~ '\.\d{1,4}\.') k
      group by k.nth) m
    where m.text is not null and coalesce(m.role, roles[1]) = any (roles)
    order by m.nth desc limit 1);
end
$$;

comment on function beacon.numbered_message(jsonb, text, text[]) is
  'The last message of one of the roles, where a message is an attribute a part: gen_ai.prompt.0.content, '
  'llm.input_messages.0.message.content.';

create function beacon.event_message(events jsonb, logs jsonb, names text, roles text[]) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select m.text from (
      select beacon.spoken(coalesce(e.value -> 'attributes' ->> 'gen_ai.input.messages', e.value -> 'attributes' ->>
          'gen_ai.output.messages', e.value -> 'attributes' ->> 'gen_ai.prompt', e.value -> 'attributes' ->> 'gen_ai.completion',
          e.value -> 'attributes' ->> 'gen_ai.event.content', e.value -> 'attributes' ->> 'content', e.value ->> 'body'), roles) as text,
        e.nth
      from jsonb_array_elements(coalesce(events, '[]') || coalesce(logs, '[]')) with ordinality e (value, nth)
      where e.value ->> 'name' ~ names) m
    where m.text is not null order by m.nth desc limit 1);
end
$$;

comment on function beacon.event_message(jsonb, jsonb, text, text[]) is
  'What one of the roles said, from the events and log records of a span: the last whose name matches.';

create function beacon.asked_text(metadata jsonb, events jsonb, logs jsonb) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  asking constant text[] := '{user,human}';
begin
  return nullif(btrim(coalesce(metadata ->> 'beacon.question', beacon.spoken(metadata ->> 'gen_ai.input.messages', asking),
    beacon.numbered_message(metadata, 'gen_ai.prompt', asking), beacon.numbered_message(metadata, 'llm.input_messages', asking),
    beacon.numbered_message(metadata, 'llm.prompts', asking), beacon.spoken(metadata ->> 'ai.prompt.messages', asking),
    beacon.spoken(metadata ->> 'ai.prompt', asking), beacon.spoken(metadata ->> 'gen_ai.prompt', asking),
    beacon.spoken(metadata ->> 'langfuse.observation.input', asking),
    beacon.event_message(events, logs, 'gen_ai\.user\.message|gen_ai\.content\.prompt|inference\.operation\.details', asking),
    beacon.spoken(metadata ->> 'input.value', asking), beacon.spoken(metadata ->> 'traceloop.entity.input', asking),
    beacon.spoken(metadata ->> 'pydantic_ai.all_messages', asking)), e' \n\t\r'), '');
end
$$;

comment on function beacon.asked_text(jsonb, jsonb, jsonb) is
  'What a model was asked, the last message of the user, as OpenTelemetry (old and new), OpenInference, OpenLLMetry, the Vercel AI SDK, '
  'Langfuse or Logfire record it: attributes, events and log records of a span. Null where it was not recorded.';

create function beacon.answered_text(metadata jsonb, events jsonb, logs jsonb) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  answering constant text[] := '{assistant,model,ai}';
begin
  return coalesce(metadata ->> 'beacon.answer', beacon.spoken(metadata ->> 'gen_ai.output.messages', answering),
    beacon.numbered_message(metadata, 'gen_ai.completion', answering), beacon.numbered_message(metadata, 'llm.output_messages', answering),
    beacon.numbered_message(metadata, 'llm.completions', answering), metadata ->> 'ai.response.text', metadata ->> 'ai.result.text',
    metadata ->> 'ai.response.object', beacon.spoken(metadata ->> 'gen_ai.completion', answering),
    beacon.spoken(metadata ->> 'langfuse.observation.output', answering),
    beacon.event_message(events, logs, 'gen_ai\.choice|gen_ai\.assistant\.message|gen_ai\.content\.completion|operation\.details',
      answering), beacon.spoken(metadata ->> 'output.value', answering), metadata ->> 'final_result',
    beacon.spoken(metadata ->> 'traceloop.entity.output', answering));
end
$$;

comment on function beacon.answered_text(jsonb, jsonb, jsonb) is
  'What a model answered, under the same conventions as asked_text; null where it was not recorded, empty where it said nothing.';

create function beacon.model_asked(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(metadata ->> 'gen_ai.request.model', metadata ->> 'ai.model.id', metadata ->> 'llm.request.model_name',
    metadata ->> 'llm.request.model', substring(metadata ->> 'llm.invocation_parameters' from '"model(?:_name|_id)?": ?"([^"]+)"'),
    metadata ->> 'llm.model_name', metadata ->> 'langfuse.observation.model.name', metadata ->> 'model_name')
$$;

comment on function beacon.model_asked(jsonb) is 'Model that was asked for, under the same conventions as asked_text.';

create function beacon.model_answering(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(metadata ->> 'gen_ai.response.model', metadata ->> 'ai.response.model', metadata ->> 'llm.response.model_name',
    metadata ->> 'llm.response.model', case when metadata ? 'llm.invocation_parameters' then metadata ->> 'llm.model_name' end)
$$;

comment on function beacon.model_answering(jsonb) is 'Model that answered, as the other side said, under the same conventions.';

create function beacon.fingerprint_of(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(metadata ->> 'gen_ai.response.system_fingerprint', metadata ->> 'gen_ai.openai.response.system_fingerprint',
    metadata ->> 'openai.response.system_fingerprint', metadata ->> 'llm.response.system_fingerprint',
    metadata ->> 'gen_ai.system_fingerprint', substring(metadata ->> 'output.value' from '"system_fingerprint": ?"([^"]+)"'))
$$;

comment on function beacon.fingerprint_of(jsonb) is 'Fingerprint of the configuration that answered, as the other side said.';

create function beacon.served_region(metadata jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(metadata ->> 'beacon.served_region', metadata ->> 'gen_ai.response.region', metadata ->> 'gen_ai.served_region',
    metadata ->> 'llm.response.region', btrim(coalesce(metadata ->> 'http.response.header.x-ms-region',
      metadata ->> 'http.response.header.x-served-region', metadata ->> 'http.response.header.x-serving-region',
      metadata ->> 'http.response.header.x-region', metadata ->> 'http.response.header.x-inference-region'), '[]" '))
$$;

comment on function beacon.served_region(jsonb) is
  'Region that answered, as the other side said in its answer: an attribute, or a recorded header of the HTTP answer. Null for most.';

create function beacon.cached_tokens(metadata jsonb) returns bigint
language sql immutable parallel safe
as $$
  select substring(coalesce(metadata ->> 'gen_ai.usage.cache_read.input_tokens', metadata ->> 'gen_ai.usage.cache_read_input_tokens',
    metadata ->> 'gen_ai.usage.cached_tokens', metadata ->> 'gen_ai.usage.input_tokens.cached',
    metadata ->> 'gen_ai.usage.details.cache_read_tokens', metadata ->> 'gen_ai.usage.details.cached_tokens',
    metadata ->> 'gen_ai.aggregated_usage.cache_read.input_tokens', metadata ->> 'llm.token_count.prompt_details.cache_read',
    metadata ->> 'llm.usage.cache_read_input_tokens', metadata ->> 'ai.usage.cachedInputTokens',
    metadata ->> 'ai.usage.inputTokenDetails.cacheReadTokens',
    substring(metadata ->> 'langfuse.observation.usage_details' from
      '"(?:input_cached_tokens|cache_read_input_tokens|input_cache_read)": ?(\d+)')) from '^\d{1,15}$')::bigint
$$;

comment on function beacon.cached_tokens(jsonb) is 'Tokens that a model read from a cache, under the same conventions as output_tokens.';

create function beacon.reasoning_tokens(metadata jsonb) returns bigint
language sql immutable parallel safe
as $$
  select substring(coalesce(metadata ->> 'gen_ai.usage.reasoning.output_tokens', metadata ->> 'gen_ai.usage.reasoning_tokens',
    metadata ->> 'gen_ai.usage.output_tokens.reasoning', metadata ->> 'gen_ai.usage.details.reasoning_tokens',
    metadata ->> 'llm.token_count.completion_details.reasoning', metadata ->> 'llm.usage.reasoning_tokens',
    metadata ->> 'ai.usage.reasoningTokens', metadata ->> 'ai.usage.outputTokenDetails.reasoningTokens',
    substring(metadata ->> 'langfuse.observation.usage_details' from '"(?:output_reasoning_tokens|reasoning_tokens)": ?(\d+)'))
    from '^\d{1,15}$')::bigint
$$;

comment on function beacon.reasoning_tokens(jsonb) is 'Tokens that a model wrote while reasoning, under the same conventions.';

create function beacon.first_chunk_ms(metadata jsonb) returns double precision
language sql immutable parallel safe
as $$
  select coalesce(
    substring(coalesce(metadata ->> 'beacon.first_chunk_ms', metadata ->> 'ai.response.msToFirstChunk', metadata ->>
      'ai.stream.msToFirstChunk', metadata ->> 'llm.response.time_to_first_token_ms') from '^\d{1,12}(?:\.\d+)?$')::double precision,
    1000 * substring(coalesce(metadata ->> 'gen_ai.response.time_to_first_chunk', metadata ->> 'gen_ai.server.time_to_first_token',
      metadata ->> 'gen_ai.response.time_to_first_token', metadata ->> 'gen_ai.client.time_to_first_chunk')
      from '^\d{1,9}(?:\.\d+)?$')::double precision)
$$;

comment on function beacon.first_chunk_ms(jsonb) is
  'Milliseconds until the first chunk of a streamed answer: OpenTelemetry records seconds, the Vercel AI SDK milliseconds.';
