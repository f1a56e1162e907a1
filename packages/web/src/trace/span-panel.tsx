// Everything known about the selected span.

import { KINDS, STATUSES } from '@project-beacon/server/filter/parse.ts';
import { useEffect, useState } from 'preact/hooks';
import { useAsk } from '../state/resource.ts';
import { Service, Status } from '../ui/bits.tsx';
import { duration, moment } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { Attributes } from './attributes.tsx';
import { errorOf, idOf, type Trace } from './model.ts';
import { type PeerFacts, Peers } from './peers.tsx';
import type { Session } from './session.ts';
import { STARTED } from './wire.ts';
import { durationText, plural } from './words.ts';

/** A row of `span`. */
interface SpanDetails extends PeerFacts {
  started_at: string;
  attributes?: Record<string, unknown> | null;
  metadata?: Record<string, unknown> | null;
  resource?: Record<string, unknown> | null;
  scope?: Record<string, unknown> | string | null;
  scope_name?: string | null;
  scope_version?: string | null;
  events: SpanEvent[] | null;
  logs?: LogRecord[] | null;
  links: SpanLink[] | null;
  otel?: Record<string, unknown> | null;
  trace_state?: string | null;
}

interface SpanEvent {
  name: string;
  /** Nanoseconds since the epoch, or ISO 8601. */
  time: string;
  attributes?: Record<string, unknown>;
}

/** Without a name it is an ordinary line of a log. */
interface LogRecord extends Omit<SpanEvent, 'name'> {
  name?: string;
  severity?: string;
  body?: unknown;
}

interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes?: Record<string, unknown>;
}

/** Walking through rows asks for a span's details only where one stops. */
const REST_MS = 120;

export function SpanPanel({ session }: { session: Session }) {
  const trace = session.trace.value;
  const key = session.cursor.value;
  const row = session.index.value >= 0 && trace ? session.span() : -1;
  const rested = useRested(key);
  if (!trace || row < 0) return null;
  const group = key.startsWith('*') ? trace.groups.of[row]! : -1;
  return (
    <aside class="span-panel" aria-label="Details of the selected span">
      <header class="span-head">
        <div class="grow">
          <p class="span-service">
            <Service name={trace.services[trace.service[row]!]!.name} />
            <span class="faint">{KINDS[trace.kind[row]!]}</span>
          </p>
          <h2 class="span-name">{trace.names[trace.name[row]!]}</h2>
        </div>
        <button
          type="button"
          class="quiet"
          aria-label="Close the details"
          title="Close (Esc)"
          onClick={() => (session.panel.value = false)}
        >
          ×
        </button>
      </header>
      {group >= 0 ? (
        <GroupFacts session={session} trace={trace} group={group} />
      ) : (
        <>
          <SpanFacts session={session} trace={trace} row={row} />
          {rested === key && <Details trace={trace} row={row} />}
        </>
      )}
    </aside>
  );
}

/** A value once it has stopped changing. */
function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

function SpanFacts({ session, trace, row }: { session: Session; trace: Trace; row: number }) {
  const lasted = trace.end[row]! - trace.start[row]!;
  const error = errorOf(trace, row);
  const note = trace.notes[trace.note[row]!];
  const above = trace.parent[row]!;
  const share = trace.total > 0 ? Math.round((100 * lasted) / trace.total) : 0;
  return (
    <div class="span-facts">
      {error && (
        <p class="span-error">
          <span aria-hidden="true">× </span>
          {error}
        </p>
      )}
      <dl class="span-list">
        <Fact name="Status">
          <Status status={STATUSES[trace.status[row]!]!} />
        </Fact>
        <Fact name={trace.status[row] === STARTED ? 'Running for' : 'Duration'}>
          {durationText(lasted)} <span class="faint">{share} % of the trace</span>
        </Fact>
        <Fact name="Own time">{durationText(trace.self[row]!)}</Fact>
        <Fact name="Starts">{trace.start[row]! > 0 ? `at ${durationText(trace.start[row]!)}` : 'with the trace'}</Fact>
        {trace.critical[row] === 1 && <Fact name="Critical path">part of it</Fact>}
        {trace.children[row]! > 0 && <Fact name="Below it">{plural(trace.size[row]! - 1, 'span')}</Fact>}
        {above >= 0 && (
          <Fact name="Parent">
            <button type="button" class="link" onClick={() => session.goTo(above)}>
              {trace.names[trace.name[above]!]}
            </button>
          </Fact>
        )}
        <Fact name="Span id">
          <code>{idOf(trace, row)}</code>
        </Fact>
      </dl>
      {note && (
        <p class="span-note">
          {note[0]?.toUpperCase()}
          {note.slice(1)}.
        </p>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function GroupFacts({ session, trace, group }: { session: Session; trace: Trace; group: number }) {
  const { groups } = trace;
  const members: number[] = [];
  for (let row = groups.first[group]!; row < groups.end[group]!; row += trace.size[row]!) members.push(row);
  const lasted = members.map((row) => trace.end[row]! - trace.start[row]!).sort((a, b) => a - b);
  const slowest = members.reduce((a, b) => (trace.end[b]! - trace.start[b]! > trace.end[a]! - trace.start[a]! ? b : a));
  const failed = members.find((row) => trace.status[row]! > 0 && trace.status[row]! < STARTED);
  return (
    <div class="span-facts">
      <p>
        Called {groups.count[group]} times in a row by the same caller, and shown as one row. Press <kbd>→</kbd> to open
        it.
      </p>
      <dl class="span-list">
        <Fact name="In all">{durationText(groups.to[group]! - groups.from[group]!)}</Fact>
        <Fact name="Shortest">{durationText(lasted[0]!)}</Fact>
        <Fact name="Median">{durationText(lasted[lasted.length >> 1]!)}</Fact>
        <Fact name="Longest">
          <button type="button" class="link" onClick={() => session.goTo(slowest)}>
            {durationText(lasted.at(-1)!)}
          </button>
        </Fact>
        {failed !== undefined && (
          <Fact name="Failed">
            <button type="button" class="link" onClick={() => session.goTo(failed)}>
              {groups.failed[group]} of {groups.count[group]}
            </button>
          </Fact>
        )}
      </dl>
    </div>
  );
}

function Details({ trace, row }: { trace: Trace; row: number }) {
  const params = { trace_id: trace.traceId, span_id: idOf(trace, row) };
  const details = useAsk('span', params);
  return (
    <Panel title="Span" query="span" params={params} truncated={details.value?.truncated} flush>
      <Loaded resource={details} what="its attributes">
        {({ rows }) => {
          const span = rows[0] as unknown as SpanDetails | undefined;
          if (!span) return <p class="state">The database no longer has this span.</p>;
          const scope = span.scope ?? [span.scope_name, span.scope_version].filter(Boolean).join(' ');
          return (
            <div class="span-details">
              <Peers
                facts={span}
                own={(trace.end[row]! - trace.start[row]!) / 1000}
                finished={trace.status[row] !== STARTED}
              />
              <Attributes title="Attributes" of={span.attributes ?? span.metadata ?? {}} open />
              <Events title="Events" events={span.events ?? []} from={Date.parse(trace.startedAt)} />
              <Events title="Logs" events={(span.logs ?? []).map(asEvent)} from={Date.parse(trace.startedAt)} />
              <Links links={span.links ?? []} />
              <Attributes title="Resource" of={span.resource ?? {}} />
              <Attributes title="Scope" of={typeof scope === 'string' ? (scope ? { scope } : {}) : (scope ?? {})} />
              <Attributes
                title="As received"
                of={{ ...(span.trace_state && { trace_state: span.trace_state }), ...span.otel }}
              />
              <p class="faint">
                Started {moment(span.started_at)} ({span.started_at})
              </p>
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Events({ title, events, from }: { title: string; events: SpanEvent[]; from: number }) {
  if (events.length === 0) return null;
  return (
    <details class="attributes" open>
      <summary>
        {title} <span class="faint">{events.length}</span>
      </summary>
      <ol class="events">
        {events.map((event, n) => (
          <li key={n}>
            <p>
              <strong>{event.name}</strong>{' '}
              <span class="faint">at {duration(Math.max(0, milliseconds(event.time) - from))}</span>
            </p>
            <Attributes of={event.attributes ?? {}} open bare />
          </li>
        ))}
      </ol>
    </details>
  );
}

function asEvent({ name, severity, body, ...record }: LogRecord): SpanEvent {
  const isText = typeof body === 'string';
  const said = [severity, name, isText ? body : undefined].filter(Boolean).join(' ');
  return isText || body === undefined
    ? { ...record, name: said }
    : { ...record, name: said, attributes: { body, ...record.attributes } };
}

function milliseconds(time: string): number {
  return /^\d+$/.test(time) ? Number(BigInt(time) / 1000n) / 1000 : Date.parse(time);
}

function Links({ links }: { links: SpanLink[] }) {
  if (links.length === 0) return null;
  return (
    <details class="attributes" open>
      <summary>
        Links <span class="faint">{links.length}</span>
      </summary>
      <ul class="events">
        {links.map(({ trace_id, span_id, attributes }, n) => (
          <li key={n}>
            <a href={`/trace/${encodeURIComponent(trace_id)}?span=${encodeURIComponent(span_id)}&panel=1`}>
              <code>{trace_id}</code>
            </a>
            <Attributes of={attributes ?? {}} open bare />
          </li>
        ))}
      </ul>
    </details>
  );
}
