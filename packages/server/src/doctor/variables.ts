// OpenTelemetry's variables that keep spans from being made or sent, as the specification and the SDKs read them.
import type { Finding } from './finding.ts';

interface Variable {
  name: string;
  /** What is wrong with its value; undefined where nothing is. */
  judge(value: string, env: NodeJS.ProcessEnv): Judgement | undefined;
}

interface Judgement {
  fault?: string;
  what: string;
  fix: string;
}

// Below it, a given trace is most likely missing.
const KEEPS_ENOUGH = 0.1;
// A span of ours needs three (execution, job, region) beside what an instrumentation sets.
const ATTRIBUTES_ENOUGH = 4;

const EXPORTERS = [
  'otlp',
  'zipkin',
  'console',
  'none',
  'jaeger',
  'logging',
  'otlp_stdout',
  'otlp_proto_http',
  'otlp_proto_grpc',
];
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'parentbased_jaeger_remote',
  'jaeger_remote',
  'xray',
];

const ATTRIBUTE_LIMIT = (name: string): Variable => ({
  name,
  judge: (value) =>
    value.trim() !== '' && Number(value) < ATTRIBUTES_ENOUGH
      ? {
          fault: 'ATTRIBUTES_DROPPED',
          what: 'so SDKs drop the attributes of spans, the execution id among them',
          fix: `Unset ${name}, or set it to 128 (the default).`,
        }
      : undefined,
});

const LENGTH_LIMIT = (name: string): Variable => ({
  name,
  judge: (value) =>
    value.trim() !== '' && Number(value) < 16
      ? {
          fault: 'ATTRIBUTES_DROPPED',
          what: 'so SDKs cut the values of attributes, execution ids and messages among them',
          fix: `Unset ${name}, or set it to 1024 or more.`,
        }
      : undefined,
});

const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'];

const PROTOCOL = (name: string): Variable => ({
  name,
  judge: (value) =>
    value !== '' && !PROTOCOLS.includes(value)
      ? {
          fault: 'OTLP_PROTOCOL_UNKNOWN',
          what: 'which is none of the protocols that exporters know, so they send nothing or use another one',
          fix: `Set it to ${PROTOCOLS.join(', ')}, in lower case: ${/grpc/i.test(value) ? 'grpc' : 'http/protobuf'} is meant here, probably.`,
        }
      : undefined,
});

const VARIABLES: Variable[] = [
  {
    name: 'OTEL_SDK_DISABLED',
    judge: (value) =>
      value.trim().toLowerCase() === 'true'
        ? {
            fault: 'SDK_DISABLED',
            what: 'which switches every OpenTelemetry SDK off: no span is made',
            fix: 'Unset it where the process gets its environment, and restart the process.',
          }
        : undefined,
  },
  { name: 'OTEL_TRACES_SAMPLER', judge: judgeSampler },
  {
    name: 'OTEL_TRACES_EXPORTER',
    judge(value) {
      const names = list(value);
      if (names.length === 0 || names.includes('otlp') || names.some((each) => /^otlp_proto/.test(each)))
        return undefined;
      if (names.includes('zipkin')) return undefined;
      const known = names.every((each) => EXPORTERS.includes(each));
      return {
        fault: names.includes('none') ? 'EXPORTER_OFF' : known ? 'EXPORTER_ELSEWHERE' : 'EXPORTER_UNKNOWN',
        what: names.includes('none')
          ? 'so spans are made and sent nowhere'
          : known
            ? `so spans go to ${names.join(', ')}, not to an OTLP endpoint`
            : 'which is none of the exporters that SDKs know',
        fix: 'Set OTEL_TRACES_EXPORTER=otlp, or unset it.',
      };
    },
  },
  PROTOCOL('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'),
  {
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    judge: (value, env) =>
      env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ? undefined : PROTOCOL('OTEL_EXPORTER_OTLP_PROTOCOL').judge(value, env),
  },
  ATTRIBUTE_LIMIT('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'),
  ATTRIBUTE_LIMIT('OTEL_ATTRIBUTE_COUNT_LIMIT'),
  LENGTH_LIMIT('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT'),
  LENGTH_LIMIT('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'),
  {
    name: 'OTEL_PROPAGATORS',
    judge(value) {
      const names = list(value);
      if (names.length === 0 || names.includes('tracecontext')) return undefined;
      if (names.includes('none')) {
        return {
          fault: 'PROPAGATION_OFF',
          what: 'so no traceparent is sent: each service begins traces of its own',
          fix: 'Set OTEL_PROPAGATORS=tracecontext,baggage, or unset it.',
        };
      }
      return {
        what: 'without tracecontext: services that speak W3C trace context begin traces of their own',
        fix: 'Add tracecontext unless every service uses the same propagator.',
      };
    },
  },
  {
    name: 'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN',
    judge: (value, env) =>
      list(value).includes('logs') && !list(env.OTEL_LOGS_EXPORTER).includes('otlp')
        ? {
            fault: 'EXCEPTIONS_NOT_SENT',
            what: `so exceptions leave as log records and not on spans, and log records go nowhere (OTEL_LOGS_EXPORTER=${env.OTEL_LOGS_EXPORTER ?? '<unset>'})`,
            fix: 'Set OTEL_LOGS_EXPORTER=otlp beside it, or OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=logs/dup.',
          }
        : undefined,
  },
];

function judgeSampler(value: string, env: NodeJS.ProcessEnv): Judgement | undefined {
  const name = value.trim().toLowerCase();
  const fix = 'Set OTEL_TRACES_SAMPLER=parentbased_always_on, or unset it.';
  if (/always_off$/.test(name)) return { fault: 'SAMPLED_OUT', what: 'which drops every span', fix };
  if (!SAMPLERS.includes(name)) {
    return name === '' ? undefined : { what: 'which SDKs do not know; they keep every span then', fix };
  }
  if (!/traceidratio$/.test(name)) return undefined;
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG ?? '1');
  if (!(ratio >= 0 && ratio < 1)) return undefined;
  const dropped = `with OTEL_TRACES_SAMPLER_ARG=${env.OTEL_TRACES_SAMPLER_ARG}, which drops ${ratio === 0 ? 'every span' : `${Math.round(1_000 * (1 - ratio)) / 10} of 100 traces`}`;
  return { ...(ratio < KEEPS_ENOUGH && { fault: 'SAMPLED_OUT' }), what: dropped, fix };
}

function list(text = ''): string[] {
  return text.split(',').flatMap((each) => each.trim().toLowerCase() || []);
}

/** Faults and remarks, each of a variable that is set. */
export function examineVariables(env: NodeJS.ProcessEnv): Finding[] {
  return VARIABLES.flatMap(({ name, judge }): Finding[] => {
    const value = env[name];
    const found = value === undefined ? undefined : judge(value, env);
    if (!found) return [];
    const { fault, what, fix } = found;
    const shown = `${name}=${value?.slice(0, 40)}`;
    return [
      {
        hop: 'sdk',
        state: fault ? 'fault' : 'note',
        ...(fault && { fault }),
        summary: `${shown} in this environment, ${what}`,
        evidence: { variable: shown },
        fix,
      },
    ];
  });
}
