create function beacon.is_distributed() returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return exists (select from beacon.schema_state x where x.name = 'distributed');
end
$$;

comment on function beacon.is_distributed() is
  'Whether spans and logs are spread over the workers of a Citus cluster (beacon migrate up --distribute).';

create function beacon.bytes_of(of_table regclass) returns bigint
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  bytes bigint;
begin
  if not beacon.is_distributed() then
    return pg_total_relation_size(of_table);
  end if;
  -- By name, so that the function can be made where there is no such extension. A worker that is away counts for nothing.
  execute 'select case when exists (select from pg_catalog.pg_dist_partition p where p.logicalrelid = $1)
    then citus_total_relation_size($1, fail_on_error => false) else pg_total_relation_size($1) end' into bytes using of_table;
  return coalesce(bytes, 0);
end
$$;

comment on function beacon.bytes_of(regclass) is 'Bytes of a table with its indexes, on whichever machines they lie.';

create function beacon.rows_about(of_table regclass, bytes_a_row double precision default null) returns bigint
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return case when beacon.is_distributed() then beacon.bytes_of(of_table) / bytes_a_row
    else greatest((select c.reltuples from pg_class c where c.oid = of_table), 0) end;
end
$$;

comment on function beacon.rows_about(regclass, double precision) is
  'How many rows a table has, about: the estimate of the planner, renewed by autovacuum, or, where the rows lie elsewhere, by its size.';
