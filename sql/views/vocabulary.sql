create view beacon.vocabulary as
select v.source, w.word, v.meaning, v.said_by, r.word is not null as recorded
from beacon.vocabulary_entries() v
cross join lateral unnest(v.words) w (word)
left join (select e.source, u.word from beacon.vocabulary_recorded() e cross join lateral unnest(e.words) u (word)) r
  on r.source = v.source and r.word = w.word;

comment on view beacon.vocabulary is
  'What words of foreign software mean: source (flag, code, sqlstate, finish, message, class, grpc, jsonrpc, http, hint), word in '
  'lower case (of message and hint: a piece of the text, % for anything), meaning, who says it, and whether a recording in world/ '
  'holds it. sql/vocabulary holds the rows.';
