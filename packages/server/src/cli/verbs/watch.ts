// `beacon watch`: spans on the screen as they are written, and again when they end.
import type { Command } from 'commander';
import { Tail } from '../../live/tail.ts';
import { watchParams, watchTerms } from '../../live/watch.ts';
import { BeaconError } from '../../store/errors.ts';
import type { Row } from '../../store/values.ts';
import { duration, signOf } from '../render/format.ts';
import { clean, cut, padEnd, padStart, type Terminal } from '../render/terminal.ts';
import { report, verb, withReader } from '../verb.ts';
import { type Answerable, paramFlags, paramsFrom } from './query-verb.ts';

const POLL_MS = 300;
const SERVICE = 10;
const OPERATION = 28;

const WATCH: Answerable = { params: watchParams, arguments: [] };

export function watchVerb(): Command {
  const command = verb(
    'watch',
    'Spans as they are written, and again when they end, until Ctrl-C. JSON is a line a change.',
  );
  return paramFlags(command, WATCH).action(
    withReader(async ({ pool, options, terminal, print }) => {
      const terms = watchTerms(watchParams.parse(paramsFrom(WATCH, options, [])));
      const tail = new Tail(pool, { intervalMs: POLL_MS });
      const tell = (kind: string, span: Row) =>
        print(options.json ? JSON.stringify({ kind, span }) : line(kind, span, terminal));
      // Listening may fail for good: a wrong address should not be retried forever.
      await tail.listen(terms, (what) => {
        if (what instanceof BeaconError) {
          report(what, false);
          return;
        }
        const { ended, fresh, skipped, note } = what;
        for (const span of ended) tell('update', span);
        for (const span of fresh) tell('new', span);
        if (skipped > 0) process.stderr.write(`${skipped} spans came too fast to be shown: narrow the filter.\n`);
        if (note) process.stderr.write(`${note}\n`);
      });
      process.stderr.write('Watching; times are UTC; Ctrl-C ends it.\n');
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      tail.stop();
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
