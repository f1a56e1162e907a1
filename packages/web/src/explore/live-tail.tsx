// Spans as they are written. It holds still while the pointer is over it, or while it is paused, and says how many wait.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../state/api.ts';
import { type LiveEvent, listen } from '../state/live.ts';
import { asProblem } from '../state/resource.ts';
import type { SpansRow } from '../state/rows.ts';
import { hrefTo } from '../state/url.ts';
import { Service, Status } from '../ui/bits.tsx';
import { count, duration, moment } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Empty, Failed } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

const KEPT = 300;

export function LiveTail({ q }: { q: string }) {
  const [rows, setRows] = useState<SpansRow[]>([]);
  const [seen, setSeen] = useState(0);
  const [waiting, setWaiting] = useState<SpansRow[]>([]);
  const [paused, setPaused] = useState(false);
  const [hovered, setHovered] = useState(false);
  const [connected, setConnected] = useState(false);
  const [skipped, setSkipped] = useState<string[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const still = useRef(false);
  still.current = paused || hovered;

  useEffect(() => {
    const abort = new AbortController();
    const onEvent = ({ event, data }: LiveEvent) => {
      if (event === 'problem') return setProblem(new Problem(JSON.parse(data)));
      if (event === 'left-out') return setSkipped((before) => [...before.slice(-4), wordsOf(data)]);
      if (event !== 'spans') return;
      const arrived = asRows(data);
      setSeen((n) => n + arrived.length);
      (still.current ? setWaiting : setRows)((before) => [...arrived.toReversed(), ...before].slice(0, KEPT));
    };
    setRows([]);
    setProblem(undefined);
    listen(hrefTo('/api/v1/live', { q }), abort.signal, onEvent, setConnected).catch((error) =>
      setProblem(asProblem(error)),
    );
    return () => abort.abort();
  }, [q]);

  useEffect(() => {
    if (paused || hovered || waiting.length === 0) return;
    setRows((before) => [...waiting, ...before].slice(0, KEPT));
    setWaiting([]);
  }, [paused, hovered, waiting]);

  return (
    <Panel
      title={
        <>
          Live <span class={connected ? 'tag ok' : 'tag warn'}>{connected ? 'connected' : 'connecting …'}</span>
        </>
      }
      flush
      actions={
        <>
          {waiting.length > 0 && <span class="tag">{count(waiting.length)} waiting</span>}
          <button type="button" class="small" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? 'Go on' : 'Pause'}
          </button>
        </>
      }
      truncated={seen > KEPT ? `The newest ${KEPT} of ${count(seen)} spans since this page was opened.` : null}
    >
      {problem && <Failed problem={problem} />}
      {skipped.map((words) => (
        <p key={words} class="left-out">
          {words}
        </p>
      ))}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: holding still is a convenience; the button does the same. */}
      <div onMouseEnter={() => setHovered(true)} onMouseLeave={() => setHovered(false)}>
        {rows.length === 0 ? (
          <Empty title={connected ? 'Waiting for spans …' : 'Not connected yet.'} />
        ) : (
          <Table
            caption="Live spans"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => `${row.trace_id} ${row.span_id} ${row.started_at} ${row.status}`}
          />
        )}
      </div>
    </Panel>
  );
}

function asRows(data: string): SpansRow[] {
  const parsed = JSON.parse(data) as SpansRow[] | { rows: SpansRow[] } | SpansRow;
  if (Array.isArray(parsed)) return parsed;
  return 'rows' in parsed ? parsed.rows : [parsed];
}

function wordsOf(data: string): string {
  const parsed = JSON.parse(data) as string | { truncated?: string; message?: string };
  return typeof parsed === 'string' ? parsed : (parsed.truncated ?? parsed.message ?? data);
}

const COLUMNS: Column<SpansRow>[] = [
  { key: 'started', title: 'Started', cell: ({ started_at }) => <span class="dim">{moment(started_at)}</span> },
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} bare /> },
  {
    key: 'span',
    title: 'Span',
    cell: ({ trace_id, span_id, service, operation }) => (
      <span class="trace-name">
        <Service name={service} />
        <a class="clip" href={hrefTo(`/trace/${trace_id}`, { span: span_id })}>
          {operation}
        </a>
      </span>
    ),
  },
  { key: 'duration', title: 'Duration', end: true, cell: ({ duration_ms }) => duration(duration_ms) },
  {
    key: 'error',
    title: 'Error',
    cell: ({ error_type, error_message }) => (
      <span class="clip bad" title={error_message ?? undefined}>
        {error_type ? `${error_type}: ${error_message ?? ''}` : ''}
      </span>
    ),
  },
  { key: 'region', title: 'Region', wideOnly: true, cell: ({ region }) => region ?? <span class="faint">–</span> },
];
