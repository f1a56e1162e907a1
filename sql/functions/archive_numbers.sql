create function beacon.number_at(low bytea, high bytea, width integer, entries integer, place integer) returns bigint
language sql immutable parallel safe
as $$
  select case width
    when 0 then 1
    when 1 then get_byte(low, place)
    when 2 then get_byte(low, place) << 8 | get_byte(low, entries + place)
    when 3 then (get_byte(low, place) << 16) | (get_byte(low, entries + place) << 8) | get_byte(low, 2 * entries + place)
    else (get_byte(low, place) << 8 | get_byte(low, entries + place)) + 65536 * (
      case when width > 7 then get_byte(high, (width - 8) * entries + place)::bigint << 40 else 0 end
      + case when width > 6 then get_byte(high, (width - 7) * entries + place)::bigint << 32 else 0 end
      + case when width > 5 then get_byte(high, (width - 6) * entries + place)::bigint << 24 else 0 end
      + case when width > 4 then get_byte(high, (width - 5) * entries + place)::bigint << 16 else 0 end
      + (get_byte(high, (width - 4) * entries + place)::bigint << 8) + get_byte(high, (width - 3) * entries + place))
  end
$$;

comment on function beacon.number_at(bytea, bytea, integer, integer, integer) is
  'Number of a row, counted from 0, of a column of the archive; its bytes are as archive_columns says.';

create function beacon.byte_width(largest bigint) returns smallint
language sql immutable parallel safe
as $$
  select (case when largest < 256 then 1 when largest < 65536 then 2 when largest < 16777216 then 3 when largest < 4294967296 then 4
    when largest < 1099511627776 then 5 when largest < 281474976710656 then 6 when largest < 72057594037927936 then 7 else 8 end)::smallint
$$;

comment on function beacon.byte_width(bigint) is 'Bytes that a number from 0 up to this takes.';
