// The variables of an environment that decide whether spans are made, and where they go.

const DECISIVE = [
  'OTEL_SDK_DISABLED',
  'OTEL_TRACES_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_PROPAGATORS',
  'OTEL_CONFIG_FILE',
  'OTEL_EXPERIMENTAL_CONFIG_FILE',
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
];

/** Those that are set, cut to 80 characters. None of them holds a secret. */
export function decisive(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    DECISIVE.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name].slice(0, 80)]])),
  );
}
