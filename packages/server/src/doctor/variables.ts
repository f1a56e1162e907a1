// OpenTelemetry's variables that keep spans from being made or sent, as the specification and the SDKs read them.
import type { Finding } from './finding.ts';
import type { Judgement, Variable } from './variable.ts';
import { LANGUAGES } from './variable-languages.ts';
import { NUMBERS } from './variable-numbers.ts';

// Below it, a given trace is most likely missing.
const KEEPS_ENOUGH = 0.1;

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
const PROPAGATORS = ['tracecontext', 'baggage', 'none', 'b3', 'b3multi', 'jaeger', 'xray', 'xray-lambda', 'ottrace'];
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
      // SDKs compare names as they are written.
      const names = value.split(',').flatMap((each) => each.trim() || []);
      const fix = 'Set OTEL_TRACES_EXPORTER=otlp, or unset it.';
      if (names.length === 0)
        return value === '' ? { what: 'which the SDK of Python takes for no exporter', fix } : undefined;
      if (names.includes('none')) return { fault: 'EXPORTER_OFF', what: 'so spans are made and sent nowhere', fix };
      const unknown = names.filter((each) => !EXPORTERS.includes(each));
      if (unknown.length > 0) {
        return {
          fault: 'EXPORTER_UNKNOWN',
          what: `and ${unknown.join(', ')} is none of the exporters that SDKs know (names are in lower case); some do not start then`,
          fix,
        };
      }
      if (names.some((each) => /^otlp$|^otlp_proto|^zipkin$/.test(each))) return undefined;
      return {
        fault: 'EXPORTER_ELSEWHERE',
        what: `so spans go to ${names.join(', ')}, not to an OTLP endpoint`,
        fix,
      };
    },
  },
  PROTOCOL('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'),
  {
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    judge: (value, env) =>
      env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ? undefined : PROTOCOL('OTEL_EXPORTER_OTLP_PROTOCOL').judge(value, env),
  },
  {
    name: 'OTEL_PROPAGATORS',
    judge(value) {
      const names = list(value);
      const unknown = names.filter((each) => !PROPAGATORS.includes(each));
      if (unknown.length > 0) {
        return {
          fault: 'PROPAGATOR_UNKNOWN',
          what: `and ${unknown.join(', ')} is none that SDKs know: some ignore it and send no traceparent, others do not start`,
          fix: 'Set OTEL_PROPAGATORS=tracecontext,baggage, or unset it.',
        };
      }
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
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG?.trim() || '1');
  if (!(ratio >= 0 && ratio < 1)) return undefined;
  const dropped = `with OTEL_TRACES_SAMPLER_ARG=${env.OTEL_TRACES_SAMPLER_ARG}, which drops ${ratio === 0 ? 'every span' : `${Math.round(1_000 * (1 - ratio)) / 10} of 100 traces`}`;
  return { ...(ratio < KEEPS_ENOUGH && { fault: 'SAMPLED_OUT' }), what: dropped, fix };
}

function list(text = ''): string[] {
  return text.split(',').flatMap((each) => each.trim().toLowerCase() || []);
}

/** Faults and remarks, each of a variable that is set. */
export function examineVariables(env: NodeJS.ProcessEnv): Finding[] {
  return [...VARIABLES, ...NUMBERS, ...LANGUAGES].flatMap(({ name, judge }): Finding[] => {
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
