// The panels of the health page, each over one operation, asked again every few seconds.

import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Service } from '../ui/bits.tsx';
import { ago, bytes, compact, count, moment, percent } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import type { Column } from '../ui/table.tsx';
import { Table } from '../ui/table.tsx';
import { State } from './state.tsx';

const EVERY_MS = 5000;

export function StatePanel() {
  const health = useAsk('health', {}, { every: EVERY_MS });
  return (
    <Panel title="State" query="health" truncated={health.value?.truncated} flush>
      <Loaded resource={health} what="the state">
        {({ rows }) => (
          <Table
            caption="State of tracing"
            columns={STATE_COLUMNS}
            rows={rows.toSorted((a, b) => rank(b.state) - rank(a.state))}
            rowKey={({ item }) => String(item)}
          />
        )}
      </Loaded>
    </Panel>
  );
}

/** `1 process`, `2 processes`: units come in the plural. */
function counted(value: number, unit: string | null): string {
  if (value !== 1 || !unit) return unit ?? '';
  return unit.replace(/(?<=ss|sh)es$|(?<=[a-z]{2})s$/, '');
}

/** What needs attention comes first. */
function rank(state: unknown): number {
  return state === 'fail' ? 2 : state === 'warn' ? 1 : 0;
}

const STATE_COLUMNS: Column<Rows['health']>[] = [
  { key: 'state', title: 'State', cell: ({ state }) => <State state={String(state)} /> },
  {
    key: 'item',
    title: 'What',
    cell: ({ item, detail }) => (
      <span class="wrap">
        {String(item).replaceAll('_', ' ')}
        {detail ? <span class="in-words">{String(detail)}</span> : null}
      </span>
    ),
  },
  {
    key: 'value',
    title: 'Value',
    end: true,
    cell: ({ value, unit }) =>
      unit === 'bytes' ? bytes(Number(value)) : `${compact(Number(value))} ${counted(Number(value), unit)}`,
  },
];

export function TracersPanel() {
  const tracers = useAsk('tracers', {}, { every: EVERY_MS });
  return (
    <Panel title="Tracers" query="tracers" truncated={tracers.value?.truncated} flush>
      <Loaded resource={tracers} what="tracers">
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title="No process has reported a tracer.">
              <p>Spans can still come over OTLP.</p>
            </Empty>
          ) : (
            <Table
              caption="Tracers"
              columns={TRACER_COLUMNS}
              rows={rows}
              rowKey={({ tracer_id }) => String(tracer_id)}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

const TRACER_COLUMNS: Column<Rows['tracers']>[] = [
  { key: 'state', title: 'State', cell: ({ state }) => <State state={String(state)} /> },
  { key: 'service', title: 'Service', cell: ({ service }) => <Service name={String(service)} /> },
  {
    key: 'instance',
    title: 'Instance',
    wideOnly: true,
    cell: ({ instance, pid }) => <span class="dim">{`${instance} ${pid ?? ''}`}</span>,
  },
  {
    key: 'flag',
    title: 'Flag',
    cell: ({ flag, flag_source }) => (
      <span class="dim" title={`From ${flag_source}`}>
        {String(flag)}
      </span>
    ),
  },
  { key: 'written', title: 'Written', end: true, cell: ({ spans_written }) => count(Number(spans_written)) },
  { key: 'dropped', title: 'Dropped', end: true, cell: ({ spans_dropped }) => <Dropped reasons={spans_dropped} /> },
  { key: 'queue', title: 'Queued', end: true, wideOnly: true, cell: ({ queue_depth }) => count(Number(queue_depth)) },
  {
    key: 'clock',
    title: 'Clock off',
    end: true,
    wideOnly: true,
    cell: ({ clock_offset_ms }) => (clock_offset_ms === null ? '–' : `${Number(clock_offset_ms).toFixed(1)} ms`),
  },
  { key: 'heartbeat', title: 'Heartbeat', end: true, cell: ({ heartbeat_at }) => ago(String(heartbeat_at)) },
  {
    key: 'error',
    title: 'Last error',
    cell: ({ last_error }) => (
      <span class="clip bad" title={last_error ? String(last_error) : undefined}>
        {last_error ? String(last_error) : ''}
      </span>
    ),
  },
];

function Dropped({ reasons }: { reasons: unknown }) {
  const found = Object.entries((reasons ?? {}) as Record<string, unknown>).filter(([, n]) => Number(n) > 0);
  if (found.length === 0) return <span class="faint">0</span>;
  return (
    <span class="bad">
      <Icon name="cross" size={10} />{' '}
      {found.map(([reason, n]) => `${count(Number(n))} ${reason.replaceAll('_', ' ')}`).join(', ')}
    </span>
  );
}

export function CoveragePanel() {
  const coverage = useAsk('coverage', { limit: 20 }, { every: EVERY_MS });
  return (
    <Panel title="Coverage" query="coverage" truncated={coverage.value?.truncated} flush>
      <Loaded resource={coverage} what="coverage">
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title="No table of executions is registered.">
              <p>Once one is, this says which executions have no trace.</p>
            </Empty>
          ) : (
            <Table
              caption="Coverage by job"
              columns={COVERAGE_COLUMNS}
              rows={rows}
              rowKey={({ records, job_id }) => `${records} ${job_id}`}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

const COVERAGE_COLUMNS: Column<Rows['coverage']>[] = [
  {
    key: 'job',
    title: 'Job',
    cell: ({ job_id }) =>
      job_id ? (
        <a href={`/jobs/${encodeURIComponent(String(job_id))}`}>{String(job_id)}</a>
      ) : (
        <span class="faint">none</span>
      ),
  },
  { key: 'executions', title: 'Executions', end: true, cell: ({ executions }) => count(Number(executions)) },
  { key: 'traced', title: 'Traced', end: true, cell: ({ traced }) => count(Number(traced)) },
  {
    key: 'pct',
    title: 'Share',
    end: true,
    cell: ({ coverage_pct }) => (
      <span class={Number(coverage_pct) < 100 ? 'warn-text' : undefined}>
        {Number(coverage_pct) < 100 && <Icon name="bang" size={10} />}
        {percent(coverage_pct === null ? null : Number(coverage_pct))}
      </span>
    ),
  },
];

export function StoragePanel() {
  const storage = useAsk('storage', {});
  return (
    <Panel title="Storage" query="storage" truncated={storage.value?.truncated}>
      <Loaded resource={storage} what="storage">
        {({ rows: [row] }) => (row ? <Storage row={row} /> : <Empty title="Nothing is stored yet." />)}
      </Loaded>
    </Panel>
  );
}

/** `trace_spans_20261122` holds 2026-11-22. */
function dayOf(partition: string): string {
  return partition.replace(/^trace_spans_/, '').replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
}

function Storage({ row }: { row: Rows['storage'] }) {
  const number = (value: unknown) => (value === null || value === undefined ? null : Number(value));
  const days = number(row.days_to_limit);
  const partitions = (row.partitions ?? []) as { partition: string; bytes: number; spans_estimated: number }[];
  const max = Math.max(1, ...partitions.map((each) => each.bytes));
  const shown = partitions.filter((each) => each.spans_estimated > 0).slice(0, 14);
  return (
    <>
      <div class="figures bare">
        <Fact title="Stored" value={bytes(number(row.bytes))} />
        <Fact title="A span" value={bytes(number(row.bytes_per_span))} />
        <Fact title="A day" value={`${compact(number(row.spans_per_day) ?? 0)} spans`} />
        <Fact title="Kept for" value={row.retention_days ? `${row.retention_days} days` : 'ever'} />
        <Fact title="At retention" value={bytes(number(row.bytes_at_retention))} />
        <Fact title="Limit reached in" value={days === null ? 'no limit set' : `${Math.round(days)} days`} />
      </div>
      {row.basis ? <p class="dim">{String(row.basis)}</p> : null}
      <ul class="partitions" aria-label="Days by size">
        {shown.map((each) => (
          <li key={each.partition}>
            <span class="dim">{dayOf(each.partition)}</span>
            <span class="bar-track" aria-hidden="true">
              <span class="selected" style={{ width: `${(100 * each.bytes) / max}%` }} />
            </span>
            <span>{bytes(each.bytes)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Fact({ title, value }: { title: string; value: string }) {
  return (
    <dl>
      <dt>{title}</dt>
      <dd class="figure">{value}</dd>
    </dl>
  );
}

export function PreflightPanel() {
  const report = useAsk('preflight-report', {});
  return (
    <Panel title="Last preflight" query="preflight-report" truncated={report.value?.truncated}>
      <Loaded resource={report} what="the report">
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title="No preflight has been run.">
              <p>
                Before switching tracing on: <code>beacon preflight</code>.
              </p>
            </Empty>
          ) : (
            <Preflight rows={rows} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Preflight({ rows }: { rows: Rows['preflight-report'][] }) {
  const first = rows[0];
  return (
    <>
      {first?.decision ? (
        <p class="row">
          <span class={first.decision === 'GO' ? 'tag ok' : 'tag bad'}>
            <Icon name={first.decision === 'GO' ? 'check' : 'cross'} /> {String(first.decision)}
          </span>
          <span class="dim">{first.taken_at ? moment(String(first.taken_at)) : ''}</span>
        </p>
      ) : null}
      <ul class="checks">
        {rows.map((row) => (
          <li key={row.name}>
            <State state={row.state} />
            <span>
              <strong>{row.name}</strong>{' '}
              <span class="dim">{[row.numbers, row.reason].filter(Boolean).join(': ')}</span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
