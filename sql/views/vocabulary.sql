create view beacon.vocabulary as
select v.source, w.word, v.meaning, v.said_by, v.recorded
from beacon.vocabulary_entries() v
cross join lateral unnest(v.words) w (word);

comment on view beacon.vocabulary is
  'What words of foreign software mean: source (flag, code, sqlstate, finish, message, class, grpc, jsonrpc, http, hint), word in '
  'lower case (of message and hint: a piece of the text, % for anything), meaning, and who says it. sql/vocabulary holds the rows.';
