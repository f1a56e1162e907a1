// OpenTelemetry's variables that hold a number: limits of spans, batches and timeouts.
import type { Variable } from './variable.ts';

// A span of ours needs three (execution, job, region) beside what an instrumentation sets.
const ATTRIBUTES_ENOUGH = 4;
const LENGTH_ENOUGH = 16;
/** Spans that wait longer are not there when they are looked for, and are lost when their process is killed. */
const LONGEST_WAIT_MS = 60_000;
/** An export over a network takes longer than this. */
const SHORTEST_EXPORT_MS = 100;
// Python reads the exporter's timeout in seconds, the others in milliseconds: so few are too few in both, or far too many.
const SHORTEST_TIMEOUT = 3;
const DEFAULT_QUEUE = 2_048;
const DEFAULT_BATCH = 512;

/** Of a variable that is set and not empty; SDKs take an empty one for unset. */
function numeric(
  name: string,
  judge: (value: number, env: NodeJS.ProcessEnv) => ReturnType<Variable['judge']>,
): Variable {
  return {
    name,
    judge(text, env) {
      if (text.trim() === '') return undefined;
      const value = Number(text);
      if (!Number.isNaN(value)) return judge(value, env);
      return {
        fault: 'NOT_A_NUMBER',
        what: 'which is not a number: some SDKs do not start with it, others ignore it',
        fix: `Write digits only, or unset ${name}.`,
      };
    },
  };
}

const attributes = (name: string) =>
  numeric(name, (value) =>
    value < ATTRIBUTES_ENOUGH
      ? {
          fault: 'ATTRIBUTES_DROPPED',
          what: 'so SDKs drop the attributes of spans, the execution id among them',
          fix: `Unset ${name}, or set it to 128 (the default).`,
        }
      : undefined,
  );

const lengths = (name: string) =>
  numeric(name, (value) =>
    value < LENGTH_ENOUGH
      ? {
          fault: 'ATTRIBUTES_DROPPED',
          what: 'so SDKs cut the values of attributes, execution ids and messages among them',
          fix: `Unset ${name}, or set it to 1024 or more.`,
        }
      : undefined,
  );

const timeout = (name: string) =>
  numeric(name, (value) =>
    value < SHORTEST_TIMEOUT
      ? {
          fault: 'TIMEOUT_TOO_SHORT',
          what: 'so exports are given up before the endpoint can answer',
          fix: `Unset ${name}, or set it to 10000 (milliseconds; Python's SDK reads seconds).`,
        }
      : value < SHORTEST_EXPORT_MS
        ? {
            what: 'which is seconds for the SDK of Python and milliseconds for those of other languages, which then give exports up early',
            fix: `Unset ${name} where the process is not one of Python.`,
          }
        : undefined,
  );

const batch = (what: string, fix: string) => ({ fault: 'BATCH_SETTINGS', what, fix });

export const NUMBERS: Variable[] = [
  attributes('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'),
  attributes('OTEL_ATTRIBUTE_COUNT_LIMIT'),
  lengths('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT'),
  lengths('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'),
  numeric('OTEL_SPAN_EVENT_COUNT_LIMIT', (value) =>
    value < 1
      ? {
          fault: 'EVENTS_DROPPED',
          what: 'so SDKs drop the events of spans, exceptions among them',
          fix: 'Unset OTEL_SPAN_EVENT_COUNT_LIMIT, or set it to 128 (the default).',
        }
      : undefined,
  ),
  timeout('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'),
  timeout('OTEL_EXPORTER_OTLP_TIMEOUT'),
  numeric('OTEL_BSP_EXPORT_TIMEOUT', (value) =>
    value < SHORTEST_EXPORT_MS
      ? {
          fault: 'TIMEOUT_TOO_SHORT',
          what: 'so batches are given up before the endpoint can answer',
          fix: 'Unset OTEL_BSP_EXPORT_TIMEOUT, or set it to 30000 (milliseconds, the default).',
        }
      : undefined,
  ),
  numeric('OTEL_BSP_SCHEDULE_DELAY', (value) =>
    value <= 0
      ? batch('which some SDKs do not start with', 'Unset OTEL_BSP_SCHEDULE_DELAY, or set it to 5000 (milliseconds).')
      : value > LONGEST_WAIT_MS
        ? {
            fault: 'SPANS_HELD_BACK',
            what: `so a process keeps its spans for ${Math.round(value / 1_000)} s before it sends them, and loses them when it is killed meanwhile`,
            fix: 'Unset OTEL_BSP_SCHEDULE_DELAY, or set it to 5000 (milliseconds, the default).',
          }
        : undefined,
  ),
  numeric('OTEL_BSP_MAX_QUEUE_SIZE', (value, env) => {
    const size = Number(env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE || DEFAULT_BATCH);
    return value < size || value < 1
      ? batch(
          `and a batch of ${size} does not fit into that: spans are dropped, and the SDK of Python does not start`,
          'Unset OTEL_BSP_MAX_QUEUE_SIZE, or set it to 2048 (the default).',
        )
      : undefined;
  }),
  numeric('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', (value, env) =>
    value < 1 || (value > DEFAULT_QUEUE && !env.OTEL_BSP_MAX_QUEUE_SIZE)
      ? batch(
          `which a queue of ${DEFAULT_QUEUE} (the default) cannot fill: the SDK of Python does not start`,
          'Unset OTEL_BSP_MAX_EXPORT_BATCH_SIZE, or set it to 512 (the default).',
        )
      : undefined,
  ),
];
