-- What tokens cost, from a file its users name: prices change, and none is built in.

create table beacon.prices (
  model               text    not null,
  provider            text    not null default '',
  region              text    not null default '',
  valid_from          date    not null,
  valid_to            date,
  currency            text    not null default 'USD',
  input               numeric not null,
  output              numeric not null,
  cached              numeric,
  reasoning           numeric,
  request             numeric not null default 0,
  cached_in_input     boolean not null default true,
  reasoning_in_output boolean not null default true,
  source              text    not null,
  imported_at         timestamptz not null default now(),
  constraint prices_key primary key (model, provider, region, valid_from),
  constraint prices_are_not_negative check (least(input, output, cached, reasoning, request) >= 0),
  constraint prices_end_after_they_begin check (valid_to > valid_from)
);

comment on table beacon.prices is 'Prices of models, imported from a file (beacon import-prices). The row that names provider and region wins over one that does not. What has no row has no known cost, never 0.';
comment on column beacon.prices.model is 'Model, as asked for or as it answered.';
comment on column beacon.prices.provider is 'Provider; empty for any.';
comment on column beacon.prices.region is 'Region that serves; empty for any.';
comment on column beacon.prices.valid_from is 'First day it holds, UTC.';
comment on column beacon.prices.valid_to is 'First day it does not hold any more; null for no end.';
comment on column beacon.prices.currency is 'Currency, ISO 4217.';
comment on column beacon.prices.input is 'For a million tokens read.';
comment on column beacon.prices.output is 'For a million tokens written.';
comment on column beacon.prices.cached is 'For a million tokens read from a cache; null: as input.';
comment on column beacon.prices.reasoning is 'For a million tokens written while reasoning; null: as output.';
comment on column beacon.prices.request is 'For a request.';
comment on column beacon.prices.cached_in_input is 'Whether this provider''s tokens read include the cached ones.';
comment on column beacon.prices.reasoning_in_output is 'Whether its tokens written include those of reasoning.';
comment on column beacon.prices.source is 'File it was imported from.';
comment on column beacon.prices.imported_at is 'When.';
