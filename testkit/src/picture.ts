// A trace drawn as text. Indentation is the tree, the bar is time, its last mark is how the span ended.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface DrawOptions {
  /** Milliseconds a column of the bar stands for. Default 10. */
  scale?: number;
  /** Start of the picture's left edge. Default: ten minutes ago. */
  at?: Date;
  /** Execution of every span that does not say otherwise; `null` for none. Default: a new one. */
  execution?: number | null;
  job?: string;
  tracer?: string;
}

export interface Drawn {
  traceId: string;
  executionId: number | null;
  /** Span ids by label, `service operation`; the first of several equal ones. */
  ids: Map<string, string>;
}

interface DrawnSpan {
  label: string;
  indent: number;
  row: Record<string, unknown>;
}

const ENDS: Record<string, string> = { x: 'failed', '!': 'timeout', '?': 'lost', '>': 'started' };
const COLUMNS = ['kind', 'error_type', 'error_message', 'model_id', 'region', 'job_id', 'execution_id'];

let executions = 1000;

/**
 * Draws spans into the database. A line is `service operation |  ====x| key=value ...`: a column of the bar is `scale`
 * milliseconds, its last mark is `=` completed, `x` failed, `!` timeout, `?` lost, `>` still open. Keys are columns
 * (kind, error, message, model, region, job, execution), `orphan`, or attributes.
 *
 * @throws Error naming the line that cannot be read.
 */
export async function draw(client: pg.ClientBase, picture: string, options: DrawOptions = {}): Promise<Drawn> {
  const traceId = randomBytes(16).toString('hex');
  const executionId = options.execution === undefined ? executions++ : options.execution;
  const spans = read(picture, traceId, executionId, options);
  const rows = JSON.stringify(spans.map((span) => span.row));
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at,
       completed_at, duration_ms, execution_id, job_id, model_id, region, error_type, error_message, metadata, links, tracer_id)
     select trace_id, decode(span_id, 'hex'), decode(parent_span_id, 'hex'), service, operation, kind, status,
       started_at, completed_at, duration_ms, execution_id, job_id, model_id, region, error_type, error_message,
       metadata, links, tracer_id
     from jsonb_to_recordset($1) as r (trace_id uuid, span_id text, parent_span_id text, service text, operation text,
       kind text, status text, started_at timestamptz, completed_at timestamptz, duration_ms double precision,
       execution_id bigint, job_id text, model_id text, region text, error_type text, error_message text,
       metadata jsonb, links jsonb, tracer_id uuid)`,
    [rows],
  );
  await client.query('select beacon.recount_traces(array[$1]::uuid[])', [traceId]);
  const ids = new Map<string, string>();
  for (const { label, row } of spans) if (!ids.has(label)) ids.set(label, row.span_id as string);
  return { traceId, executionId, ids };
}

function read(picture: string, traceId: string, executionId: number | null, options: DrawOptions): DrawnSpan[] {
  const lines = picture.split('\n').filter((line) => line.trim() !== '');
  const start = (options.at ?? new Date(Date.now() - 600_000)).getTime();
  const open: DrawnSpan[] = [];
  return lines.map((line) => {
    const parts = line.match(/^(\s*)(\S+) ([^|]+?)\s*\|([^|]*)\|(.*)$/);
    if (!parts) throw new Error(`Not a line of a picture: ${line}`);
    const [, space = '', service = '', operation = '', bar = '', notes = ''] = parts;
    while (open.length > 0 && (open.at(-1) as DrawnSpan).indent >= space.length) open.pop();
    const span = {
      label: `${service} ${operation}`,
      indent: space.length,
      row: row(bar, annotations(notes), { start, scale: options.scale ?? 10 }),
    };
    Object.assign(span.row, {
      trace_id: traceId,
      span_id: randomBytes(8).toString('hex'),
      parent_span_id: span.row.orphan ? randomBytes(8).toString('hex') : (open.at(-1)?.row.span_id ?? null),
      service,
      operation,
      tracer_id: options.tracer ?? null,
    });
    span.row.execution_id ??= executionId;
    span.row.job_id ??= options.job ?? null;
    open.push(span);
    return span;
  });
}

function row(bar: string, notes: Record<string, string>, time: { start: number; scale: number }) {
  const body = bar.trimStart();
  const from = bar.length - body.length;
  const length = body.trimEnd().length;
  const status = ENDS[body.trimEnd().at(-1) ?? ''] ?? 'completed';
  const ended = status !== 'started' && status !== 'lost';
  const columns: Record<string, unknown> = {
    kind: 'internal',
    status,
    started_at: new Date(time.start + from * time.scale).toISOString(),
    completed_at: ended ? new Date(time.start + (from + length) * time.scale).toISOString() : null,
    duration_ms: ended ? length * time.scale : null,
    metadata: {} as Record<string, unknown>,
  };
  const renamed: Record<string, string> = {
    error: 'error_type',
    message: 'error_message',
    model: 'model_id',
    job: 'job_id',
    execution: 'execution_id',
  };
  for (const [key, value] of Object.entries(notes)) {
    const name = renamed[key] ?? key;
    if (COLUMNS.includes(name) || name === 'orphan') columns[name] = value;
    else
      (columns.metadata as Record<string, unknown>)[key] = JSON.parse(
        /^(\d+|true|false)$/.test(value) ? value : JSON.stringify(value),
      );
  }
  return columns;
}

function annotations(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key = '', quoted, plain] of text.matchAll(/([\w.]+)(?:=(?:"([^"]*)"|(\S+)))?/g)) {
    found[key] = quoted ?? plain ?? 'true';
  }
  return found;
}
