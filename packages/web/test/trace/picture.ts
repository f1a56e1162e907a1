// Traces drawn as text, without a database: the same pictures as the SQL is tested with, as the columns the server sends.
import { KINDS } from '@project-beacon/server/filter/parse.ts';
import { buildTrace, type Trace } from '../../src/trace/model.ts';
import { type Rows, rowsOf, type View } from '../../src/trace/rows.ts';
import type { TraceColumns } from '../../src/trace/wire.ts';

const ENDS: Record<string, number> = { x: 1, '!': 2, '?': 3, '>': 4 };

/** A column of the bar is 10 ms; self time is what no child covers. Notes: `kind=`, `error=`, `critical`, `note="..."`. */
export function columnsOf(picture: string): TraceColumns {
  const wire: TraceColumns = {
    trace_id: '0'.repeat(31) + 1,
    started_at: '2026-01-01T00:00:00.000000Z',
    duration_ms: 0,
    traces_of_execution: [],
    names: [],
    services: [],
    errors: [],
    notes: [],
    columns: {
      id: [],
      parent: [],
      depth: [],
      service: [],
      name: [],
      start_us: [],
      duration_us: [],
      self_us: [],
      status: [],
      kind: [],
      error: [],
      critical: [],
      note: [],
    },
    header: {
      execution_id: null,
      job_id: null,
      model_id: null,
      region: null,
      span_count: 0,
      error_count: 0,
      orphan_count: 0,
      corrected_clock_ms: {},
    },
  };
  const open: Array<{ indent: number; row: number }> = [];
  const { columns } = wire;
  for (const line of picture.split('\n').filter((each) => each.trim())) {
    const [, space = '', service = '', name = '', bar = '', notes = ''] =
      line.match(/^(\s*)(\S+) ([^|]+?)\s*\|([^|]*)\|(.*)$/) ?? assertLine(line);
    while (open.length > 0 && open.at(-1)!.indent >= space.length) open.pop();
    const row = columns.id.length;
    const body = bar.trim();
    const status = ENDS[body.at(-1) ?? ''] ?? 0;
    columns.id.push((row + 1).toString(16).padStart(16, '0'));
    columns.parent.push(open.at(-1)?.row ?? -1);
    columns.depth.push(open.length);
    columns.service.push(
      intern(wire.services, service, (each) => each.name, { name: service, color: wire.services.length }),
    );
    columns.name.push(intern(wire.names, name));
    columns.start_us.push(Math.max(0, bar.length - bar.trimStart().length) * 10_000);
    columns.duration_us.push(status > 2 ? -1 : body.length * 10_000);
    columns.self_us.push(body.length * 10_000);
    columns.status.push(status);
    columns.kind.push(Math.max(0, KINDS.indexOf((/kind=(\w+)/.exec(notes)?.[1] ?? 'internal') as 'internal')));
    columns.error.push(failed(wire.errors, /error=("[^"]*"|\S+)/.exec(notes)?.[1]));
    columns.critical.push(/\bcritical\b/.test(notes) ? 1 : 0);
    columns.note.push(said(wire.notes, /note=("[^"]*"|\S+)/.exec(notes)?.[1]));
    wire.duration_ms = Math.max(wire.duration_ms, bar.trimEnd().length * 10);
    open.push({ indent: space.length, row });
  }
  return wire;
}

function assertLine(line: string): never {
  throw new Error(`Not a line of a picture: ${line}`);
}

function intern<T>(list: T[], key: string, of: (each: T) => unknown = (each) => each, value = key as T): number {
  const at = list.findIndex((each) => of(each) === key);
  return at >= 0 ? at : list.push(value) - 1;
}

function said(list: string[], text: string | undefined): number {
  return text === undefined ? -1 : intern(list, text.replaceAll('"', ''));
}

/** `error="type: message"`. */
function failed(list: TraceColumns['errors'], text: string | undefined): number {
  if (text === undefined) return -1;
  const [type = '', message = ''] = text.replaceAll('"', '').split(': ');
  return intern(list, text, ({ type, message }) => `"${type}: ${message}"`, { type, message });
}

export function traceOf(picture: string): Trace {
  return buildTrace(columnsOf(picture));
}

/** Rows as text: indentation, operation, `×n` for what stands for n. */
function rowsAsText(trace: Trace, rows: Rows): string[] {
  return Array.from({ length: rows.count }, (_, index) => {
    const item = rows.item[index]!;
    const row = item >= 0 ? item : trace.groups.first[~item]!;
    const times = item >= 0 ? '' : ` ×${trace.groups.count[~item]}`;
    return `${'  '.repeat(rows.level[index]!)}${trace.names[trace.name[row]!]}${times}`;
  });
}

export function seen(trace: Trace, view: View, matches: Uint8Array | null = null): string[] {
  return rowsAsText(trace, rowsOf(trace, view, matches));
}

/** A tree of so many spans: `services` services, loops of queries, one failure in a thousand. The same every time. */
export function largeTrace(count: number): TraceColumns {
  const wire = columnsOf('app job |=|');
  const { columns } = wire;
  const names = ['handle', 'query', 'POST', 'render', 'cache.get', 'model.generate'];
  const stack = [{ row: 0, start: 0, left: count * 100 }];
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  wire.names = names;
  wire.services = Array.from({ length: 12 }, (_, n) => ({ name: `service-${n}`, color: n }));
  wire.errors = [{ type: 'timeout', message: 'no answer in time' }];
  columns.duration_us[0] = columns.self_us[0] = count * 100;
  wire.duration_ms = count / 10;
  let cursor = 0;
  while (columns.id.length < count) {
    while (stack.length > 1 && (random() < 0.3 || stack.length > 60)) stack.pop();
    const above = stack.at(-1)!;
    const repeats = random() < 0.02 ? 40 : 1;
    for (let n = 0; n < repeats && columns.id.length < count; n++) {
      const row = columns.id.length;
      cursor = Math.min(count * 100 - 50, Math.max(cursor + 60, above.start));
      columns.id.push((row + 1).toString(16).padStart(16, '0'));
      columns.parent.push(above.row);
      columns.depth.push(stack.length);
      columns.service.push(repeats > 1 ? 3 : Math.floor(random() * 12));
      columns.name.push(repeats > 1 ? 1 : Math.floor(random() * names.length));
      columns.start_us.push(cursor);
      columns.duration_us.push(50);
      columns.self_us.push(50);
      columns.status.push(random() < 0.001 ? 1 : 0);
      columns.kind.push(0);
      columns.error.push(columns.status.at(-1) === 1 ? 0 : -1);
      columns.critical.push(random() < 0.01 ? 1 : 0);
      columns.note.push(-1);
      if (n === repeats - 1 && repeats === 1) stack.push({ row, start: cursor, left: 0 });
    }
  }
  wire.header.span_count = count;
  return wire;
}
