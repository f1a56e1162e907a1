// Spans that differ in whatever a filter can ask for, and filters about them.
import type pg from 'pg';
import { settle, store, type TestSpan, traceId } from './store.ts';

const HOUR = 3_600_000;

export const pick = <T>(from: T[], n: number): T => from[n % from.length] as T;

/** Stores some 150 spans of the last 20 hours, in chunks of five. */
export async function storeVaried(client: pg.ClientBase, now: number): Promise<TestSpan[]> {
  await client.query(`
  insert into beacon.trace_resources (resource_id, attributes, scope_name, scope_version, otel) values
    (1, '{"host.name": "one", "cpus": 4}', 'lib', '1.0', '{"scope_attributes": {"team": "red"}}'), (2, '{"host.name": "two"}', null, null, null)`);
  const spans: TestSpan[] = [];
  for (let n = 0; n < 60; n++) {
    const trace = traceId();
    const at = now - 20 * HOUR + n * (HOUR / 4);
    for (let k = 0; k < 1 + (n % 4); k++) {
      const failed = (n * 7 + k) % 11 === 0;
      spans.push({
        trace,
        at: at + k * (n % 13 === 0 ? 3 * HOUR : 20),
        service: pick(['web', 'cart', 'pay'], n + k),
        operation: pick(['GET /a', 'POST /b', 'work'], n * 3 + k),
        kind: pick(['server', 'client', 'internal'], k),
        status: failed
          ? 'failed'
          : n % 17 === 3 && k === 0
            ? 'lost'
            : n % 19 === 4 && k === 1
              ? 'started'
              : 'completed',
        ms: n % 19 === 4 && k === 1 ? null : n * 10 + k,
        execution: n % 3 === 0 ? String(5_000 + n) : null,
        job: n % 6 === 0 ? 'night' : null,
        model: n % 5 === 0 ? 'llama' : null,
        region: n % 5 === 1 ? 'eu' : null,
        error: failed ? 'ECONN' : null,
        message: failed ? 'Connection Refused by 10.0.0.1' : null,
        attributes: {
          n,
          half: n / 2,
          text: String(n),
          flag: n % 2 === 0,
          tags: [`t${n % 7}`, n],
          [`only.${n}`]: 'x y',
          ...(k === 2 ? { 'deep.key': `v"${n}` } : {}),
        },
        // As an event, or as a log record: a filter finds either.
        events:
          n % 18 === 0 ? [{ name: 'exception', time: '1', attributes: { 'exception.type': `E${n}`, size: n } }] : null,
        logs: n % 18 === 9 ? [{ name: 'exception', attributes: { 'exception.type': `E${n}`, size: n } }] : [],
        links: n % 10 === 0 ? [{ trace_id: trace, span_id: 'ab', attributes: { why: `retry${n}` } }] : null,
        resource: pick(['1', '2', null as unknown as string], n),
      });
    }
  }
  for (let from = 0; from < spans.length; from += 7) await store(client, spans.slice(from, from + 7));
  await settle(client);
  return spans;
}

export const FILTERS = [
  'n=5',
  'n=5.0',
  'half=2.5',
  'half=3',
  'text=5',
  'n!=5',
  'text~1',
  'n>50',
  'n>=50 n<=52',
  'half<1',
  'text>6',
  'flag=true',
  'tags=t3',
  'tags=12',
  'has:only.7',
  '-has:only.7',
  'only.8="x y"',
  'only.8~"X Y"',
  'deep.key="v\\"14"',
  'has:deep.key',
  'service=pay',
  'service!=pay',
  'operation~post',
  'status=failed',
  'status=lost',
  'status=started',
  'status!=completed',
  'kind=client',
  'duration>500ms',
  'duration>=0.59s duration<1s',
  'job=night',
  'execution=5012',
  'execution>5050',
  'model=llama',
  'region=eu',
  'has:model',
  '-has:job',
  'error=ECONN',
  'message~refused',
  'refused',
  '"GET /a"',
  'nothing',
  'exception.type=E9',
  'event.exception.type=E18',
  'event.name=exception',
  'event.size>30',
  'has:event.size',
  'why=retry20',
  'link.why~retry3',
  'span.n=9',
  'resource.host.name=two',
  'host.name=one',
  'cpus=4',
  'resource.cpus>3',
  'scope.name=lib',
  'scope.version=1.0',
  'team=red',
  'scope.team!=red',
  'resource.n=9',
  'n=5 service=web',
  'n=5 text=6',
  'has:only.3 kind=server',
  'absent=1',
  'resource.absent=1',
  'host.name!=one',
  '-has:host.name',
];
