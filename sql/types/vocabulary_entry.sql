create type beacon.vocabulary_entry as (
  source  text,
  meaning text,
  said_by text,
  words   text[]
);

comment on type beacon.vocabulary_entry is 'Words of one source that mean the same, and the software that says them.';
