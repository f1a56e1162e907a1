create type beacon.clue as (
  source text,
  word   text,
  said   text
);

comment on type beacon.clue is
  'Something a span says about why it failed: source names the part of the vocabulary to look it up in (flag, code, sqlstate, '
  'finish, message, class, grpc, jsonrpc, http), word is in lower case, said is the text as it stands in the span.';
