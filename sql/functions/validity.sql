create function beacon.question_id(question text) returns text
language sql immutable parallel safe
as $$
  select left(md5(regexp_replace(btrim(question), '\s+', ' ', 'g')), 12)
$$;

comment on function beacon.question_id(text) is
  'Id of a question that came without one: the first 12 hexadecimal digits of the MD5 of its text, blanks as one.';

create function beacon.normalised_answer(answer text) returns text
language sql immutable parallel safe
as $$
  select btrim(regexp_replace(regexp_replace(
      lower(case when getdatabaseencoding() = 'UTF8' then normalize(answer, nfkc) else answer end), '\s+', ' ', 'g'), '[*_`#]+', '', 'g'),
    e' \n\t\r.,;:!?"''()[]{}<>«»“”„‘’。！？、，-')
$$;

comment on function beacon.normalised_answer(text) is
  'An answer as it is compared: in lower case, blanks as one, without marks of Markdown, quotation marks, and punctuation at its ends.';

create function beacon.answer_group(answer text) returns bigint
language sql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
  select case when btrim(answer) <> '' then hashtextextended(beacon.normalised_answer(answer), 0) end
$$;

comment on function beacon.answer_group(text) is
  'Hash of the normalised answer: those with the same one say the same. Null for an empty one.';

create function beacon.answer_language(answer text) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  said text := lower(left(answer, 600));
  words text[];
begin
  -- A script decides at once, Latin letters by the commonest words; two of them at least, or it stays unknown.
  case
    when said !~ '[^\u0001-\u036f]' then null;
    when said ~ '[ぁ-ヿ]' then return 'ja';
    when said ~ '[가-힣]' then return 'ko';
    when said ~ '[一-鿿]' then return 'zh';
    when said ~ '[іїєґІЇЄҐ]' and said ~ '[а-я]' then return 'uk';
    when said ~ '[а-яА-Я]' then return 'ru';
    when said ~ '[؀-ۿ]' then return 'ar';
    when said ~ '[ऀ-ॿ]' then return 'hi';
    when said ~ '[א-ת]' then return 'he';
    when said ~ '[ก-๛]' then return 'th';
    when said ~ '[α-ωΑ-Ω]' then return 'el';
    else null;
  end case;
  words := regexp_split_to_array(regexp_replace(said, '[^[:alpha:]'']+', ' ', 'g'), ' ');
  return (
    select l.language from (values
      ('en', '{the,is,are,of,and,to,in,that,it,this,for,with,i,you,can,not,a,was,be}'::text[]),
      ('de', '{der,die,das,ist,und,nicht,ein,eine,ich,zu,mit,den,von,sie,es,für,kann,auf,im,wird}'::text[]),
      ('fr', '{le,la,les,est,et,de,des,un,une,je,ne,pas,vous,que,pour,dans,du,en,il,sont}'::text[]),
      ('es', '{el,la,los,las,es,y,de,un,una,que,no,en,por,con,para,lo,se,del,puedo,su}'::text[]),
      ('it', '{il,la,di,che,è,e,un,una,non,per,con,sono,del,della,in,posso,mi,le,si,gli}'::text[]),
      ('pt', '{o,a,os,as,é,e,de,um,uma,que,não,em,por,com,para,do,da,se,posso,está}'::text[]),
      ('nl', '{de,het,een,is,en,van,ik,niet,dat,te,in,op,met,voor,zijn,kan,je,aan,er,dit}'::text[]),
      ('pl', '{nie,i,w,na,z,jest,to,się,że,do,jak,co,ale,o,od,przez,są,tak,ten,za}'::text[]),
      ('tr', '{bir,ve,bu,için,ile,değil,ne,da,de,çok,olarak,var,olan,gibi,daha,ben,sen,mi,ki,o}'::text[])) l (language, common)
    cross join lateral (select count(*) as n from unnest(words) w where w = any (l.common)) c
    where c.n >= 2
    order by c.n desc, l.language limit 1);
end
$$;

comment on function beacon.answer_language(text) is
  'Language of an answer (ISO 639-1) by its script or its commonest words, of which two must be there; null where they do not tell.';

create function beacon.answer_rule(answer text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  beginning text := translate(left(answer, 300), '’‘“”', '''''""');
begin
  -- All in one first: PostgreSQL keeps 32 compiled expressions, and compiling some twenty anew for every answer takes 20 ms.
  if btrim(coalesce(answer, '')) = '' or beginning !~* (select string_agg('(?:' || r.pattern || ')', '|' order by r.name)
      from beacon.answer_rules r) then
    return null;
  end if;
  return (select r.name from beacon.answer_rules r where beginning ~* r.pattern order by r.validity, r.name limit 1);
end
$$;

comment on function beacon.answer_rule(text) is
  'The row of answer_rules that an answer matches: it refuses, or it is an error in the place of an answer. Null for none.';

create function beacon.cell_validity(
  status text, answer_chars integer, output_tokens bigint, finish_reason text, rule_validity text, error_type text) returns text
language sql immutable parallel safe
as $$
  select case
    when status in ('pending', 'running', 'started', 'processing') then 'pending'
    when status = 'cancelled' or error_type in ('cancelled', 'canceled', 'caller_gone') then 'cancelled'
    when finish_reason ~* 'content.?filter|safety|refus|recitation|prohibited|blocklist|spii|guardrail|flagged'
      or error_type ~* 'content.?filter|content_policy|safety|responsibleai' then 'refused'
    when status <> 'completed' then case when error_type in ('empty_output', 'empty_answer') then 'empty' else 'infrastructure' end
    when rule_validity is not null then rule_validity
    when finish_reason ~* 'length|max_?(output_?)?tokens|model_context_window' then 'truncated'
    when answer_chars = 0 or answer_chars is null and output_tokens = 0 then 'empty'
    else 'answered' end
$$;

comment on function beacon.cell_validity(text, integer, bigint, text, text, text) is
  'What an attempt is worth, from its status, the length of its answer, the tokens written, the finish reason, the validity that its row '
  'of answer_rules gives, and its error: answered, refused, truncated (cut at a limit), empty, infrastructure (no answer of a model), '
  'cancelled, or pending.';

create function beacon.record_answer(told jsonb, keep_content boolean default true) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  key text := beacon.execution_key(told ->> 'execution_id');
  a beacon.answers := jsonb_populate_record(null::beacon.answers,
    case when key is null then told else told - 'execution_id' || jsonb_build_object('execution_key', key) end);
  said text := btrim(a.answer, e' \n\t\r');
begin
  a.attempt := coalesce(a.attempt, 1);
  a.status := coalesce(a.status, 'completed');
  a.source := 'runner';
  a.simulated := coalesce(a.simulated, false);
  a.started_at := coalesce(a.started_at, now());
  a.question_id := coalesce(a.question_id, beacon.question_id(a.question));
  a.answer_chars := coalesce(a.answer_chars, length(said));
  a.answer_group := coalesce(a.answer_group, beacon.answer_group(a.answer));
  a.language := coalesce(a.language, beacon.answer_language(a.answer));
  a.rule := beacon.answer_rule(a.answer);
  if not keep_content then
    a.question := null;
    a.answer := null;
  end if;
  if a.execution_id is not null then
    delete from beacon.answers x where x.execution_id = a.execution_id and x.attempt = a.attempt;
  elsif a.execution_key is not null then
    delete from beacon.answers x where x.execution_key = a.execution_key and x.attempt = a.attempt;
  else
    delete from beacon.answers x where x.trace_id = a.trace_id and x.execution_id is null and x.execution_key is null;
  end if;
  a.validity := beacon.cell_validity(a.status, a.answer_chars, a.output_tokens, a.finish_reason,
    (select u.validity from beacon.answer_rules u where u.name = a.rule), a.error_type);
  a.reason := beacon.attempt_reason(a.validity, a.rule, a.finish_reason, a.verdict, a.error_type);
  a.cell_validity := a.validity;
  a.attempts := 1;
  a.first_validity := a.validity;
  a.first_group := a.answer_group;
  insert into beacon.answers values (a.*);
  if a.execution_id is not null and exists (
    select from beacon.answers x where x.execution_id = a.execution_id and x.attempt <> a.attempt)
  then
    perform beacon.settle_answers(array[a.execution_id]);
  elsif a.execution_key is not null and exists (
    select from beacon.answers x where x.execution_key = a.execution_key and x.attempt <> a.attempt)
  then
    perform beacon.settle_answers('{}', array[a.execution_key]);
  end if;
end
$$;

comment on function beacon.record_answer(jsonb, boolean) is
  'Writes one attempt into answers, in the transaction of its caller: an object with the columns of the table, of which status, question '
  'and answer matter most and none but execution_id (of either kind; or trace_id) must be there. keep_content false keeps '
  'lengths and hashes of the texts only. A second call for the same attempt replaces the first.';

create function beacon.judge_answers() returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  changed bigint;
begin
  update beacon.answers a set rule = beacon.answer_rule(a.answer), validity = null
  where a.answer is not null and a.rule is distinct from beacon.answer_rule(a.answer);
  get diagnostics changed = row_count;
  -- A rule may also say of the same texts something else than before.
  update beacon.answers a set validity = null where a.rule is not null and a.validity is not null;
  perform beacon.settle_open_answers();
  return changed;
end
$$;

comment on function beacon.judge_answers() is
  'Holds all stored answers against answer_rules anew, and says of how many the verdict changed. Maintenance calls it when rules changed.';

create function beacon.judge_when_rules_change() returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  rules text := (select md5(string_agg(concat_ws(' ', r.name, r.validity, r.pattern), '|' order by r.name)) from beacon.answer_rules r);
begin
  if rules is not distinct from beacon.setting('answer_rules_judged', null) then
    return 0;
  end if;
  insert into beacon.settings (name, value) values ('answer_rules_judged', rules)
  on conflict (name) do update set value = excluded.value;
  return beacon.judge_answers();
end
$$;

comment on function beacon.judge_when_rules_change() is
  'Calls judge_answers where answer_rules are not those that maintenance saw last; says how many answers are judged otherwise now.';
