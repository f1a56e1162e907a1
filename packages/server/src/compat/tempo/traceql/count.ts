// Measures that SQL counts by itself: one row a slot and group instead of every span.
import type pg from 'pg';
import { Bindings } from '../../../filter/sql.ts';
import type { AttributeNode, Field, Measure, Stage, Status } from './ast.ts';
import { type Collector, type Slots, slotOf } from './series.ts';
import { attributeSql, conditionSql, groupSql, isOutOfReach } from './sql.ts';
import { NIL, type Value } from './values.ts';

const STATUS: Status[] = ['unset', 'ok', 'error'];
const POWERS = Array.from({ length: 62 }, (_, i) => 2 ** i);

/** Whether the measure was counted; false where SQL does not say all of the query. */
export async function counted(
  client: pg.PoolClient,
  stages: Stage[],
  measure: Extract<Measure, { node: 'measure' }>,
  collector: Collector,
  { exemplars, maxRows }: { exemplars: number; maxRows: number },
): Promise<boolean> {
  const { slots } = collector;
  if (slots.stepNs % 1_000n !== 0n || slots.startNs % 1_000n !== 0n) return false;
  if (stages.some(({ node }) => node !== 'filter' && node !== 'select')) return false;
  const bind = new Bindings();
  const filters = stages.flatMap((stage) =>
    stage.node === 'filter' ? [conditionSql(stage.field as Field | null, bind)] : [],
  );
  const groups = measure.by.map((each) => groupSql(each, bind));
  const value = valueSql(measure.attribute, collector.hasBuckets, bind);
  if (value === undefined || [...filters, ...groups].some((sql) => sql === undefined)) return false;
  if (await isOutOfReach(client, [...filters, ...groups, value].join(' '))) return false;
  const step = bind.add(Number(slots.stepNs / 1_000n), 'double precision');
  const origin = bind.add(timestamp(slots.startNs), 'timestamptz');
  // The end of a slot belongs to it.
  const moment = `s.started_at - case when s.started_ns = 0 then interval '1 microsecond' else interval '0' end`;
  const slot = `date_bin(make_interval(secs => ${step} / 1000000), ${moment}, ${origin})`;
  const power = collector.hasBuckets
    ? `width_bucket(v - 1, ${bind.add(POWERS, 'double precision[]')})`
    : 'null::integer';
  const keys = groups.map((_, i) => `, g${i}`).join('');
  const { rows } = await client.query({
    text: `select slot, ${power} as power${keys}, count(v)::double precision as spans,
        coalesce(sum(v), 'NaN') as sum, coalesce(min(v), 'NaN') as least, coalesce(max(v), 'NaN') as most
      from (
        select ${slot} as slot, ${value} as v${groups.map((sql, i) => `, ${sql} as g${i}`).join('')}
        from beacon.trace_spans s
        where ${timeSql(slots, bind)} and ${filters.join(' and ')}
      ) x
      ${collector.hasBuckets ? 'where v >= 2' : ''}
      group by slot, power${keys}
      limit ${maxRows + 1}`,
    values: bind.values,
    types: TEXTS,
  });
  if (rows.length > maxRows) return false;
  const unit = isDuration(measure.attribute) ? 1e9 : 1;
  for (const row of rows) {
    const at = slotOf(slots, microseconds(row.slot) * 1_000n + 1n);
    if (at < 0) continue;
    const by = measure.by.map((each, i) => groupValue(each, row[`g${i}`]));
    const bucket = row.power === null ? null : 2 ** Number(row.power) / unit;
    collector.counted(at, by, bucket, Number(row.spans), Number(row.sum), Number(row.least), Number(row.most));
  }
  if (exemplars > 0 && rows.length > 0) await addExemplars(client, stages, measure, collector, exemplars);
  return true;
}

function isDuration(attribute: AttributeNode | null): boolean {
  return attribute?.node === 'intrinsic' && attribute.name === 'duration';
}

/** What is measured: seconds of a duration, nanoseconds where it goes into buckets, which only whole numbers have. */
function valueSql(attribute: AttributeNode | null, inBuckets: boolean, bind: Bindings): string | undefined {
  if (!attribute) return '1::double precision';
  if (isDuration(attribute)) return `round(s.duration_ms * 1000000)${inBuckets ? '' : ' / 1000000000'}`;
  const json = attributeSql(attribute, bind);
  const isNumber = `jsonb_typeof(${json}) = 'number'`;
  const isWhole = `case when ${isNumber} then scale(${json}::numeric) = 0 end`;
  return json && `case when ${inBuckets ? isWhole : isNumber} then ${json}::double precision end`;
}

async function addExemplars(
  client: pg.PoolClient,
  stages: Stage[],
  measure: Extract<Measure, { node: 'measure' }>,
  collector: Collector,
  exemplars: number,
): Promise<void> {
  const bind = new Bindings();
  const filters = stages.flatMap((stage) =>
    stage.node === 'filter' ? [conditionSql(stage.field as Field | null, bind)] : [],
  );
  const groups = measure.by.map((each, i) => `${groupSql(each, bind)} as g${i},`);
  const { rows } = await client.query({
    text: `select ${groups.join(' ')} encode(uuid_send(s.trace_id), 'hex') as trace, encode(s.span_id, 'hex') as span,
      s.operation, s.service, s.started_at, s.started_ns, ${valueSql(measure.attribute, collector.hasBuckets, bind)} as value
      from beacon.trace_spans s
      where ${timeSql(collector.slots, bind)} and ${filters.join(' and ')}
      limit ${exemplars}`,
    values: bind.values,
    types: TEXTS,
  });
  const unit = isDuration(measure.attribute) ? 1e9 : 1;
  const isCount = measure.attribute === null || measure.name === 'histogram_over_time';
  for (const row of rows) {
    const startNs = microseconds(row.started_at) * 1_000n + BigInt(row.started_ns);
    const value = Number(row.value ?? Number.NaN);
    if (slotOf(collector.slots, startNs) < 0 || !(value >= (collector.hasBuckets ? 2 : Number.NEGATIVE_INFINITY)))
      continue;
    const text = (name: string, value: string) => ({ name, value: { type: 'string' as const, value } });
    const by = measure.by.map((each, i) => groupValue(each, row[`g${i}`]));
    const power = POWERS.findIndex((each) => each >= value);
    collector.exemplar(by, collector.hasBuckets ? 2 ** power / unit : null, {
      labels: [
        text('trace:id', row.trace),
        text('span:id', row.span),
        text('name', row.operation),
        text('resource.service.name', row.service),
      ],
      value: isCount ? Number.NaN : collector.hasBuckets ? value / unit : value,
      timestampMs: Number(startNs / 1_000_000n),
    });
  }
}

function timeSql(slots: Slots, bind: Bindings): string {
  const end = slots.startNs + BigInt(slots.count) * slots.stepNs;
  return `s.started_at >= ${bind.add(timestamp(slots.startNs), 'timestamptz')} and s.started_at <= ${bind.add(timestamp(end), 'timestamptz')}`;
}

/** Everything as the text the database writes; times in UTC. */
const TEXTS: pg.CustomTypesConfig = { getTypeParser: (() => (text: string) => text) as never };

/** ISO 8601 with microseconds. */
export function timestamp(ns: bigint): string {
  const micros = ns / 1_000n;
  return `${new Date(Number(micros / 1_000n)).toISOString().slice(0, 20)}${String(micros % 1_000_000n).padStart(6, '0')}Z`;
}

function microseconds(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace(/\+00$/, '').split('.');
  return BigInt(Date.parse(`${whole.replace(' ', 'T')}Z`)) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}

function groupValue(of: AttributeNode, text: string | null): Value {
  if (text === null) return NIL;
  if (of.node === 'intrinsic') {
    if (of.name === 'status') return { type: 'status', value: STATUS[Number(text)] ?? 'unset' };
    if (of.name === 'kind') return { type: 'kind', value: text as 'server' };
    return { type: 'string', value: text };
  }
  if (of.scope === 'resource' && of.name === 'service.name') return { type: 'string', value: text };
  return jsonValue(text);
}

/** A number without a fraction is whole. */
function jsonValue(text: string): Value {
  if (text.startsWith('"')) return { type: 'string', value: JSON.parse(text) };
  if (text === 'true' || text === 'false') return { type: 'bool', value: text === 'true' };
  if (/^-?\d+$/.test(text)) return { type: 'int', value: BigInt(text) };
  if (/^-?[\d.]/.test(text)) return { type: 'float', value: Number(text) };
  if (!text.startsWith('[')) return NIL;
  const values = (JSON.parse(text) as unknown[]).map((each) => jsonValue(JSON.stringify(each)));
  const [first] = values;
  if (!first || first.type === 'list' || values.some(({ type }) => type !== first.type)) return NIL;
  return values.length === 1 ? first : ({ type: 'list', of: first.type, values } as Value);
}
