// `beacon watch`: spans on the screen as they are written, and again when they end.
import type { Command } from 'commander';
import type { Row } from '../operations/operation.ts';
import { Watch, watchParams } from '../operations/watch.ts';
import { type Answerable, paramFlags, paramsFrom } from './operation-verb.ts';
import { clean, cut, padEnd, padStart, type Terminal } from './terminal.ts';
import { report, verb, withDatabase } from './verb.ts';
import { duration, signOf } from './words.ts';

const POLL_MS = 300;
const RETRY_MS = 2_000;
const SERVICE = 10;
const OPERATION = 28;

const WATCH: Answerable = { params: watchParams, arguments: [] };

export function watchVerb(): Command {
  const command = verb(
    'watch',
    'Spans as they are written, and again when they end, until Ctrl-C. JSON is a line a change.',
  );
  return paramFlags(command, WATCH).action(
    withDatabase(async ({ pool, options, terminal, print }) => {
      const watch = new Watch(pool, watchParams.parse(paramsFrom(WATCH, options, [])));
      const stopped = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
      // The first poll may fail for good: a wrong address should not be retried for ever.
      await watch.poll();
      process.stderr.write('Watching; times are UTC; Ctrl-C ends it.\n');
      while (!stopped.signal.aborted) {
        await pause(POLL_MS, stopped.signal);
        try {
          const { changes, leftOut } = await watch.poll();
          for (const { kind, span } of changes) {
            print(options.json ? JSON.stringify({ kind, span }) : line(kind, span, terminal));
          }
          if (leftOut) process.stderr.write(`${leftOut}\n`);
        } catch (error) {
          report(error, false);
          await pause(RETRY_MS, stopped.signal);
        }
      }
      return 0;
    }, 1),
  );
}

function line(kind: string, span: Row, terminal: Terminal): string {
  const { glyph, style } = signOf(span.status);
  const time = String(span.started_at).slice(11, 23);
  const error = [span.error_type, span.error_message].filter(Boolean).join(': ');
  const about = [
    ...(span.execution_id ? [`execution ${span.execution_id}`] : []),
    ...(span.job_id ? [`job ${span.job_id}`] : []),
    ...(span.region ? [String(span.region)] : []),
    ...(span.model_id ? [String(span.model_id)] : []),
    ...(span.execution_id ? [] : [`trace ${span.trace_id}`]),
  ].join(' · ');
  const fixed = `${time} ${kind === 'update' ? '↻' : ' '}${glyph} `;
  const took = span.status === 'started' ? 'open' : duration(span.duration_ms);
  const head = `${padEnd(cut(clean(span.service), SERVICE), SERVICE)} ${padEnd(cut(clean(span.operation), OPERATION), OPERATION)} ${padStart(took, 9)}`;
  const rest = cut(`  ${clean(about)}`, Math.max(1, terminal.width - fixed.length - SERVICE - OPERATION - 11));
  const shown = cut(head, terminal.width - fixed.length);
  const first = `${terminal.paint('dim', time)} ${kind === 'update' ? '↻' : ' '}${terminal.paint(style, glyph)} ${shown}${terminal.width > 60 ? terminal.paint('dim', rest) : ''}`;
  if (error === '') return first;
  return `${first}\n${terminal.paint('red', cut(`${' '.repeat(fixed.length)}↳ ${clean(error)}`, terminal.width))}`;
}

/** Ends early when stopped. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
