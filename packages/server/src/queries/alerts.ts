// Alerts: what failed, which rules look, what was sent; and making, silencing and trying them.
import { z } from 'zod';
import { BeaconError } from '../store/errors.ts';
import { primaryOf } from '../store/replica.ts';
import { parseCondition } from './alert-condition.ts';
import * as c from './columns.ts';
import { defineQuery, type Query } from './query.ts';

let known: readonly Query[] = [];

/** The registry stands above the queries (it names this one too) and passes itself in. */
export function provideQueries(queries: readonly Query[]): void {
  known = queries;
}

export interface Rule {
  query: string;
  params: Record<string, unknown>;
  condition: string;
  fingerprint: string[];
}

/**
 * Checks what a rule asks, and gives its query and its condition's terms.
 *
 * @throws BeaconError or ZodError that says what is wrong: no such query, no such column, no condition, a wrong parameter.
 */
export function checkRule({ query: name, params, condition, fingerprint }: Rule) {
  const query = known.find((each) => each.name === name);
  const wrong = (what: string) => new BeaconError('usage', what, '`beacon make-alert --help` explains rules.');
  if (!query || query.mutates) throw wrong(`There is no query "${name}" that a rule can ask.`);
  const columns = Object.keys(query.row.shape);
  const missing = fingerprint.find((column) => !columns.includes(column));
  if (missing) throw wrong(`There is no column ${missing}: the query ${name} has ${columns.join(', ')}.`);
  try {
    const terms = parseCondition(condition, columns);
    query.prepare(params);
    return { query, columns, terms };
  } catch (error) {
    throw error instanceof z.ZodError ? error : wrong((error as Error).message);
  }
}

export const alerts = defineQuery({
  name: 'alerts',
  doc: 'What alert rules have found: open first, then what is over; each with its cause and what was sent.',
  params: { state: z.enum(['open', 'all']).default('all').describe('open, or all (default all).') },
  row: z.object({
    id: c.text('Id of the alert.'),
    rule: c.text('Rule that found it.'),
    state: z.enum(['firing', 'silenced', 'resolved']).describe('firing, silenced (noted, not sent) or resolved.'),
    severity: c.text('critical, error, warning or info.'),
    summary: c.text('One sentence.'),
    cause: c.textOrNull('Type of the cause and what to do.'),
    link: c.textOrNull('Path of the page to look at.'),
    began_at: c.time('When it was first seen.'),
    last_at: c.time('When it was last seen.'),
    resolved_at: c.timeOrNull('When it was over.'),
    deliveries: c.count('Messages made for it.'),
    acknowledged: c.count('Those a receiver acknowledged.'),
    last_error: c.textOrNull('What keeps the others.'),
  }),
  range: { default: '7d' },
  limit: { default: 50, max: 1000 },
  sql: (p, scope) => ({
    text: `select a.id, a.rule, case when a.resolved_at is not null then 'resolved' when a.sent then 'firing' else 'silenced' end as state,
        a.severity, a.summary, a.cause, a.link, a.began_at, a.last_at, a.resolved_at, d.deliveries, d.acknowledged, d.last_error
      from beacon.alerts a
      cross join lateral (select count(*) as deliveries, count(e.acknowledged_at) as acknowledged, max(e.last_error) as last_error
        from beacon.alert_deliveries e where e.alert_id = a.id) d
      where (a.last_at >= $1::timestamptz or a.resolved_at is null) and a.began_at < coalesce($2::timestamptz, 'infinity')
        and ($3 = 'all' or a.resolved_at is null)
      order by a.resolved_at is not null, a.last_at desc, a.id`,
    values: [scope.from, scope.to, p.state],
  }),
});

export const alertRules = defineQuery({
  name: 'alert-rules',
  doc: 'Which rules look for failures: query, condition, window, targets, silence, and whether they could be asked.',
  params: {},
  row: z.object({
    name: c.text('Rule.'),
    query: c.text('Query it asks.'),
    condition: c.text('Which rows alert; empty: each.'),
    within_s: c.number('How far back it looks, seconds.'),
    every_s: c.number('How often, seconds.'),
    severity: c.text('critical, error, warning or info.'),
    targets: c.texts('Where it sends to.'),
    open: c.count('Failures that are open.'),
    silenced_until: c.timeOrNull('Until when it is silenced.'),
    evaluated_at: c.timeOrNull('When it was last asked.'),
    last_error: c.textOrNull('Why it could not be asked.'),
  }),
  limit: { default: 100, max: 1000 },
  sql: () => ({
    text: `select r.name, r.query, r.condition, extract(epoch from r.within_time)::double precision as within_s,
        extract(epoch from r.every)::double precision as every_s, r.severity, r.targets,
        (select count(*) from beacon.alerts a where a.rule = r.name and a.resolved_at is null) as open,
        case when r.silenced_until > beacon.clock() then r.silenced_until end as silenced_until, r.evaluated_at, r.last_error
      from beacon.alert_rules r order by r.name`,
    values: [],
  }),
});

export const alertTargets = defineQuery({
  name: 'alert-targets',
  doc: 'Where alerts may be sent, and what became of the newest message to each.',
  params: {},
  row: z.object({
    name: c.text('Target.'),
    kind: z.enum(['webhook', 'slack', 'pagerduty']).describe('webhook, slack or pagerduty.'),
    address: c.text('Host it is on, or the environment variable that holds its address.'),
    signed: c.flag('Whether it has a secret.'),
    waiting: c.count('Messages that are not acknowledged yet.'),
    acknowledged_at: c.timeOrNull('When it last acknowledged one.'),
    last_error: c.textOrNull('What keeps the oldest waiting one.'),
  }),
  limit: { default: 100, max: 1000 },
  sql: () => ({
    text: `select t.name, t.kind, coalesce(substring(t.url from '^https?://[^/]+'), '$' || t.url_env) as address,
        t.secret_env is not null as signed, count(d.id) filter (where d.acknowledged_at is null) as waiting,
        max(d.acknowledged_at) as acknowledged_at,
        (array_agg(d.last_error order by d.nth) filter (where d.acknowledged_at is null and d.last_error is not null))[1] as last_error
      from beacon.alert_targets t left join beacon.alert_deliveries d on d.target = t.name
      group by t.name, t.kind, t.url, t.url_env, t.secret_env order by t.name`,
    values: [],
  }),
});

const seconds = (what: string, fallback: string) =>
  z
    .string()
    .regex(/^\d{1,6}[smhd]$/, 'must be like 30s, 15m, 2h, 7d')
    .default(fallback)
    .describe(`${what}, as in 30s, 15m, 2h (default ${fallback}).`);

const words = (what: string) =>
  z
    .union([z.array(z.string()), z.string()])
    .transform((given) => (typeof given === 'string' ? given.split(',').map((one) => one.trim()) : given))
    .transform((given) => given.filter((one) => one !== ''))
    .default([])
    .describe(what);

const ruleName = z.string().min(1).max(200).describe('Name of the rule.');

export const makeAlert = defineQuery({
  name: 'make-alert',
  doc: 'Makes a rule, or changes the one of that name: alerts where rows of a query meet a condition.',
  params: {
    name: ruleName,
    query: z.string().min(1).default('findings').describe('Query to ask (default findings).'),
    params: z
      .union([z.record(z.string(), z.unknown()), z.string()])
      .default({})
      .describe('Its parameters, as JSON.'),
    condition: z.string().max(2000).default('').describe('Rows that alert, as in "executions >= 3"; empty: each row.'),
    fingerprint: words('Columns that tell one failure from another (default: those that name one).'),
    within: seconds('How far back it looks', '15m'),
    every: seconds('How often it is asked', '30s'),
    targets: words('Where to send to: names of `beacon alert-targets`, separated by commas.'),
    severity: z
      .enum(['critical', 'error', 'warning', 'info'])
      .default('error')
      .describe('critical, error, warning or info.'),
  },
  arguments: [{ name: 'name', params: (text) => ({ name: text }) }],
  row: z.object({ name: c.text('The rule.'), made: c.flag('Whether it is new.') }),
  limit: { default: 1, max: 1 },
  mutates: true,
  run: async ({ pool, params: p }) => {
    const params = typeof p.params === 'string' ? jsonObject(p.params) : p.params;
    checkRule({ query: p.query, params, condition: p.condition, fingerprint: p.fingerprint });
    const db = primaryOf(pool);
    const { rows: unknown } = await db.query(
      'select t from unnest($1::text[]) t where not exists (select from beacon.alert_targets a where a.name = t)',
      [p.targets],
    );
    if (unknown.length > 0) {
      throw new BeaconError(
        'not_found',
        `There is no target ${unknown.map(({ t }) => t).join(', ')}.`,
        'Who runs the database adds one: `beacon alert-target <name> --kind webhook --url https://…`.',
      );
    }
    const { rows } = await db.query(
      `insert into beacon.alert_rules (name, query, params, condition, fingerprint, within_time, every, targets, severity)
       values ($1, $2, $3, $4, $5, $6::interval, $7::interval, $8, $9)
       on conflict (name) do update set query = excluded.query, params = excluded.params, condition = excluded.condition,
         fingerprint = excluded.fingerprint, within_time = excluded.within_time, every = excluded.every, targets = excluded.targets,
         severity = excluded.severity, last_error = null, evaluated_at = null
       returning name, xmax = 0 as made`,
      [p.name, p.query, JSON.stringify(params), p.condition, p.fingerprint, p.within, p.every, p.targets, p.severity],
    );
    return { rows, truncated: null };
  },
});

export const silenceAlert = defineQuery({
  name: 'silence-alert',
  doc: 'Silences a rule for a while (0s ends the silence): what it finds is noted, and sent if it is still there afterwards.',
  params: { name: ruleName, for: seconds('How long', '1h') },
  arguments: [{ name: 'name', params: (text) => ({ name: text }) }],
  row: z.object({ name: c.text('The rule.'), silenced_until: c.time('Until when.') }),
  limit: { default: 1, max: 1 },
  mutates: true,
  run: async ({ pool, params: p }) => {
    const { rows } = await primaryOf(pool).query(
      `select r.name, beacon.clock() + $2::interval as silenced_until from beacon.alert_rules r
       where r.name = $1 and beacon.silence_alerts(r.name, beacon.clock() + $2::interval) > 0`,
      [p.name, p.for],
    );
    if (rows.length === 0)
      throw new BeaconError('not_found', `There is no rule ${p.name}.`, '`beacon alert-rules` lists them.');
    return { rows: rows.map((row) => ({ ...row, silenced_until: row.silenced_until.toISOString() })), truncated: null };
  },
});

export const removeAlert = defineQuery({
  name: 'remove-alert',
  doc: 'Removes a rule; what it found stays in alerts, as resolved.',
  params: { name: ruleName },
  arguments: [{ name: 'name', params: (text) => ({ name: text }) }],
  row: z.object({ name: c.text('The rule.') }),
  limit: { default: 1, max: 1 },
  mutates: true,
  run: async ({ pool, params: p }) => {
    const { rows } = await primaryOf(pool).query(
      `with gone as (delete from beacon.alert_rules where name = $1 returning name),
         over as (update beacon.alerts a set resolved_at = beacon.clock() from gone where a.rule = gone.name and a.resolved_at is null)
       select name from gone`,
      [p.name],
    );
    if (rows.length === 0)
      throw new BeaconError('not_found', `There is no rule ${p.name}.`, '`beacon alert-rules` lists them.');
    return { rows, truncated: null };
  },
});

const READ_BACK_WITHIN_MS = 20_000;

export const testAlert = defineQuery({
  name: 'test-alert',
  doc: 'Sends a test message to a target the way alerts go, and reads back whether it was acknowledged.',
  params: { target: z.string().min(1).describe('Name of the target.') },
  arguments: [{ name: 'target', params: (text) => ({ target: text }) }],
  row: z.object({
    delivery_id: c.text('Id of the message.'),
    acknowledged: c.flag('Whether the receiver answered 2xx.'),
    attempts: c.count('How often it was sent.'),
    status: z.int().nullable().describe('HTTP status of the last attempt.'),
    last_error: c.textOrNull('What went wrong.'),
  }),
  limit: { default: 1, max: 1 },
  mutates: true,
  run: async ({ pool, params: p, signal }) => {
    const db = primaryOf(pool);
    const { rows: made } = await db.query('select beacon.test_alert_target($1) as id', [p.target]);
    if (made[0].id === null)
      throw new BeaconError('not_found', `There is no target ${p.target}.`, '`beacon alert-targets` lists them.');
    const deadline = Date.now() + READ_BACK_WITHIN_MS;
    for (;;) {
      const { rows } = await db.query(
        `select id as delivery_id, acknowledged_at is not null as acknowledged, attempts, status,
           case when attempts = 0 then 'No server has sent it: is \`beacon serve\` or \`npm start\` running?' else last_error end as last_error,
           due_at
         from beacon.alert_deliveries where id = $1`,
        [made[0].id],
      );
      const { due_at, ...row } = rows[0];
      if (row.acknowledged || (row.attempts > 0 && row.last_error !== null) || Date.now() > deadline || signal.aborted)
        return { rows: [row], truncated: null };
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  },
});

function jsonObject(text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new BeaconError('usage', 'params must be a JSON object.', 'As in --params \'{"service":"router"}\'.');
  }
}
