// The spans every case makes: ten attributes each, names of 20 and values of 20 characters; ten spans a trace.
import { type Attributes, type Context, context, type Tracer, trace } from '@opentelemetry/api';

const NAMES = Array.from({ length: 10 }, (_, i) => `bench.attribute.na.${i}`);
const SPANS_OF_A_TRACE = 10;
let serial = 0;
let parent: Context | undefined;

/** Starts and ends one span; every value is another text, as in life. */
export function makeSpan(tracer: Tracer): void {
  if (serial % SPANS_OF_A_TRACE === 0) parent = undefined;
  const span = tracer.startSpan('operation', {}, parent);
  parent ??= trace.setSpan(context.active(), span);
  span.setAttributes(attributes());
  span.end();
}

function attributes(): Attributes {
  const made: Attributes = {};
  const start = `value ${String(serial++).padStart(12, '0')} `;
  for (let i = 0; i < 10; i++) made[NAMES[i]!] = start + i;
  return made;
}

/** Gives timers and sockets a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
