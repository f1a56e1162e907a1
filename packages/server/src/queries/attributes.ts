// Which attributes there are, and which values: what completion offers.
import { z } from 'zod';
import type { Row } from '../store/values.ts';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';
import { ends } from './services.ts';

const PLACES = ['column', 'span', 'resource', 'scope', 'event', 'link'] as const;
const SAMPLE = 5_000;

/** What the sample has not seen; its size is counted beside the rows. */
function remark(rows: Row[]): string | null {
  if (Number(rows[0]?._sampled ?? 0) < SAMPLE) return null;
  return `Only the newest ${SAMPLE.toLocaleString('en')} spans of this time were looked at: what only older ones have is not here.`;
}

/** Spans of the sample. */
const SAMPLED = `(select count(*) from beacon.newest_spans($1::timestamptz, $2::timestamptz, ${SAMPLE})) as _sampled`;

const prefix = z.string().max(500).default('').describe('Only those that begin so.');
const place = z
  .enum(PLACES)
  .optional()
  .describe(`Only those of one place: ${PLACES.join(', ')}.`);

export const attributeKeys = defineQuery({
  name: 'attribute-keys',
  doc: `Attributes seen in the newest ${SAMPLE.toLocaleString('en')} spans of a stretch of time, the most frequent first.`,
  params: { prefix, place },
  row: z.object({
    key: c.text('Name of the attribute, or of a column of the span.'),
    place: z.enum(PLACES).describe('Where it is: column, span, resource, scope, event or link.'),
    count: c.count('Spans of the sample that have it.'),
  }),
  range: { default: '24h' },
  limit: { default: 200, max: 5000 },
  remark,
  sql: (p, scope) => ({
    text: `
      select a.key, a.place, sum(a.spans)::bigint as count, ${SAMPLED}
      from beacon.attributes_of($1::timestamptz, $2::timestamptz, ${SAMPLE}) a
      where starts_with(a.key, $3::text) and ($4::text is null or a.place = $4)
      group by a.key, a.place
      order by count desc, a.key, a.place`,
    values: [...ends(scope), p.prefix, p.place],
  }),
});

export const attributeValues = defineQuery({
  name: 'attribute-values',
  doc: `Values of an attribute in the newest ${SAMPLE.toLocaleString('en')} spans of a stretch of time, the most frequent first.`,
  params: {
    key: z.string().min(1).max(1000).describe('Name of the attribute, or of a column of the span.'),
    prefix,
    place,
  },
  arguments: [{ name: 'key', params: (text) => ({ key: text }) }],
  row: z.object({
    value: c.text('The value, as text.'),
    place: z.enum(PLACES).describe('Where it is: column, span, resource, scope, event or link.'),
    count: c.count('Spans of the sample that have it.'),
  }),
  range: { default: '24h' },
  limit: { default: 200, max: 5000 },
  remark,
  sql: (p, scope) => ({
    text: `
      select a.value, a.place, sum(a.spans)::bigint as count, ${SAMPLED}
      from beacon.attributes_of($1::timestamptz, $2::timestamptz, ${SAMPLE}) a
      where a.key = $5::text and a.value is not null and starts_with(a.value, $3::text) and ($4::text is null or a.place = $4)
      group by a.value, a.place
      order by count desc, a.value, a.place`,
    values: [...ends(scope), p.prefix, p.place, p.key],
  }),
});
