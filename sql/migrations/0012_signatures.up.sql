-- Which attributes occur in a trace, so that a search that goes through the newest traces looks into few of them.

alter table beacon.traces add column signature bit(512);

comment on column beacon.traces.signature is
  'Two bits for every value of an attribute, operation, model, region and resource of its spans (beacon.signature_mask); others may have '
  'the same. Null where not all of its spans came through a writer: it may have anything then.';
