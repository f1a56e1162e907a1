-- A colour says the same in every picture, today and next month, so it is stored.

create table beacon.services (
  service       text        not null,
  color         integer     not null,
  first_seen_at timestamptz not null default now(),
  constraint services_key primary key (service)
);

comment on table beacon.services is
  'One row a service ever seen, with the number of its colour. Maintenance adds them in the order they are first seen.';
comment on column beacon.services.color is 'Small number, from 0, never given twice; pictures map it to a colour.';
