// Every environment variable the programs read. A test compares these names with what the sources read.

export interface Setting {
  name: string;
  /** What holds where it is not set. */
  otherwise: string;
  meaning: string;
}

const LOG_LEVEL = { name: 'LOG_LEVEL', otherwise: '`info`', meaning: '`fatal` to `trace`, or `silent`.' };
const HOST = { name: 'HOST', otherwise: '`127.0.0.1`', meaning: 'Address to listen on.' };
const port = (number: number) => ({
  name: 'PORT',
  otherwise: `\`${number}\``,
  meaning: 'Port to listen on; 0 lets the system choose.',
});
const setting = (name: string, otherwise: string, meaning: string): Setting => ({ name, otherwise, meaning });

/** By program, in the order of the document. */
export const SETTINGS: Record<string, Setting[]> = {
  'Every service that uses the tracer': [
    setting(
      'DB_TRACING_DEBUG',
      '`false`',
      '`true` prints a line for each span started, and what became of the first write.',
    ),
    setting(
      'ENABLE_DB_TRACING',
      'off',
      'Switches tracing on: `true`, `1`, `on`, `yes`. Off: `false`, `0`, `off`, `no`, nothing. Anything else leaves it off, and the first log line names what was found.',
    ),
    setting(
      'DATABASE_URL',
      'tracing stays off',
      'PostgreSQL the spans are written to; the option `databaseUrl` of `startTracing` wins.',
    ),
  ],
  'Command line and server': [
    setting('DATABASE_URL', 'the database of `beacon start` here', 'PostgreSQL to use; `--database-url` wins.'),
    setting(
      'DATABASE_READ_URL',
      'DATABASE_URL',
      'Replica that questions, the page, MCP and the SQL console read from; `fresh=true` asks the primary. With `serve --read-only` it is all that is needed.',
    ),
    {
      ...HOST,
      meaning: 'Address `beacon serve` answers on. Anything but loopback needs BEACON_TOKEN, or `--anonymous`.',
    },
    { ...port(8080), meaning: 'Port of `beacon serve`; `--port` wins.' },
    setting(
      'BEACON_PUBLIC_URL',
      'alerts have no link',
      'Address under which people open the page; alerts link to it. Secrets of alert targets are variables too, under the names their targets say.',
    ),
    setting('JAEGER_PORT', '`16686`, or a free one', "Port of Jaeger's query API; `--jaeger-port` wins."),
    setting(
      'TEMPO_PORT',
      'none',
      "Port of Tempo's API, usually 3200; it is under `/tempo` of PORT too. `--tempo-port` wins.",
    ),
    setting(
      'BEACON_CORS_ORIGINS',
      'none',
      'Origins of web pages that may read answers, separated by commas: `https://grafana.example,http://localhost:3000`.',
    ),
    setting(
      'BEACON_RATE_LIMIT',
      '`1200`; on loopback none',
      'Requests a minute from one address; past it they get 429 and `Retry-After`. `0` for any number.',
    ),
    setting(
      'BEACON_STATEMENT_TIMEOUT_MS',
      '`15000`',
      'How long PostgreSQL may work on one question, milliseconds; then the answer is 504.',
    ),
    setting('OTLP_HTTP_PORT', '`4318`, or a free one', 'Port of OTLP/HTTP; `--otlp-http-port` wins.'),
    setting('OTLP_GRPC_PORT', '`4317`, or a free one', 'Port of OTLP/gRPC; `--otlp-grpc-port` wins.'),
    setting('ZIPKIN_PORT', 'none', 'Port for Zipkin v2 JSON, usually 9411; `--zipkin-port` wins.'),
    setting(
      'OTLP_HOST',
      '`127.0.0.1`',
      'Address of OTLP. Anything but loopback needs BEACON_TOKEN, or `--otlp-anonymous`.',
    ),
    setting(
      'RUNNER_URL',
      'none; `npm start` sets it',
      'Runner to which submit-job hands jobs, for example http://127.0.0.1:8090.',
    ),
    setting(
      'BEACON_TOKEN',
      'none',
      'Clients must send `Authorization: Bearer <token>`, with spans and with questions; on loopback too.',
    ),
    setting('OTLP_MAX_REQUEST_MB', '`64`', 'Largest request, unpacked, MiB; a larger one gets 413.'),
    setting(
      'OTLP_MAX_QUEUE_MB',
      '`24`',
      'Requests under way, MiB; past it they get 429 and `Retry-After`. One is always taken.',
    ),
    setting(
      'BEACON_TOKENS_FILE',
      'none',
      'File with a token a line: name, scopes (`send,read,act`), token or `sha256:<hash>`; read again when it changes.',
    ),
    setting('BEACON_TLS_CERT', 'none', 'PEM file of a certificate: all ports then speak TLS, and nothing else.'),
    setting('BEACON_TLS_KEY', 'none', 'PEM file of its key, without a passphrase.'),
    setting(
      'OTLP_RATE_LIMIT',
      '0',
      'Requests a minute that one address may send to the OTLP and Zipkin ports; 0 for any number.',
    ),
    setting('BEACON_REDACT', 'on', '`off` stores secrets as they came.'),
    setting('BEACON_CONTENT', 'on', '`off` stores of prompts and answers only their length and hash.'),
    setting('BEACON_REDACT_KEYS', 'none', 'Further attribute keys whose values are secret, separated by commas.'),
    setting('BEACON_REDACT_KEEP', 'none', 'Attribute keys whose values are stored as they are, separated by commas.'),
    { ...LOG_LEVEL, meaning: '`fatal` to `trace`, or `silent`; `debug` also shows where an error happened.' },
    setting('NO_COLOR', 'colour on a terminal', 'No colour.'),
    setting('FORCE_COLOR', 'colour on a terminal', 'Colour also where the output is no terminal.'),
    setting('COLUMNS', 'width of the terminal, else 120', 'Width of the output.'),
    setting('TERM', '', '`dumb`: no colour, no moving line.'),
  ],
  'beacon start': [
    setting('DATABASE_URL', 'embedded PostgreSQL in `.beacon/`', 'PostgreSQL to use instead of the embedded one.'),
    setting('ENABLE_DB_TRACING', '`true`', 'As above; handed to every service.'),
    setting(
      'any of a service below',
      'what `beacon start` chooses',
      'Handed on as it is, an empty value too, and named in the output where it changes what is shown.',
    ),
  ],
  'beacon doctor and beacon preflight': [
    setting(
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'no OTLP endpoint is tried',
      'Base address of an OTLP endpoint to try; `--otlp` wins.',
    ),
    setting('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', '', 'The same for traces only, with its path.'),
    setting('OTEL_EXPORTER_OTLP_PROTOCOL', '`http/protobuf`', '`http/protobuf`, `http/json` or `grpc`.'),
    setting('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', '', 'The same for traces only.'),
    setting(
      'OTEL_EXPORTER_OTLP_HEADERS',
      'none',
      'Headers of OTLP requests, a token for example: `name=value,name=value`. Never printed.',
    ),
    setting('OTEL_EXPORTER_OTLP_TRACES_HEADERS', '', 'The same for traces only.'),
    setting(
      'OTEL_SDK_DISABLED',
      '',
      'This and the other variables here that keep spans from being made or sent are judged: a fault where this environment is what is asked about.',
    ),
    setting('OTEL_TRACES_EXPORTER', '', 'The same.'),
    setting('OTEL_TRACES_SAMPLER', '', 'The same.'),
    setting('OTEL_TRACES_SAMPLER_ARG', '', 'The same.'),
    setting('OTEL_LOGS_EXPORTER', '', 'The same, where exceptions leave as log records.'),
    setting('OTEL_BSP_MAX_QUEUE_SIZE', '', 'The same, against the size of a batch.'),
    setting('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '', 'The same, against the size of the queue.'),
    setting('OTEL_EXPORTER_OTLP_CERTIFICATE', '', 'File of certificates that the endpoint is tried with.'),
    setting('OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', '', 'The same for traces only.'),
    setting('OTEL_CONFIG_FILE', '', 'File that SDKs read instead of all other variables; its endpoint is tried.'),
    setting('OTEL_EXPORTER_OTLP_INSECURE', '', 'Whether a gRPC endpoint without a scheme is spoken to without TLS.'),
    setting('OTEL_EXPORTER_OTLP_TRACES_INSECURE', '', 'The same for traces only.'),
    setting('NO_PROXY', '', 'Hosts that are reached without the proxy of HTTP_PROXY.'),
    setting('DATABASE_URL_STAGING', 'no staging is tried', 'Database of staging, for check 6 of the preflight.'),
    setting('SENTRY_DSN', '', 'Whether it is set is shown by check 3 of the preflight.'),
  ],
  Runner: [
    setting('DATABASE_URL', 'it does not start', 'Database of jobs and executions.'),
    setting(
      'HYBRID_ROUTER_URL',
      'every execution fails and says so',
      'Base address of the router, for example `http://127.0.0.1:8091`.',
    ),
    setting('REGION_CONCURRENCY', '`4`', 'Executions at once in a region: `4`, or `4,us-east=8` with exceptions.'),
    setting('MAX_ATTEMPTS', '`2`', 'Attempts of an execution whose failure may pass.'),
    setting('RETRY_DELAY_MS', '`500`', 'Wait before the second attempt, milliseconds; doubles with each further one.'),
    setting('EXECUTION_TIMEOUT_MS', '`60000`', 'How long an attempt may take, milliseconds.'),
    setting(
      'STALE_AFTER_MS',
      '`30000`',
      'An execution whose runner was silent for this long is taken over, milliseconds.',
    ),
    setting('RECOVERY_INTERVAL_MS', '`15000`', 'How often such executions are looked for, milliseconds.'),
    setting(
      'STOP_GRACE_MS',
      '`5000`',
      'How long executions in flight may still take when it is asked to stop, milliseconds.',
    ),
    setting('RECEIPT_KEY_FILE', '`.beacon/receipt-key.pem`', 'Ed25519 key that signs receipts; made when missing.'),
    HOST,
    port(8090),
    LOG_LEVEL,
  ],
  Router: [
    setting(
      'PROVIDERS',
      'none',
      'JSON array of `{name, region, url, models?, apiKeyEnv?, timeoutMs?}`; `url` is OpenAI-compatible, `apiKeyEnv` names the variable that holds the key.',
    ),
    setting('PROVIDERS_FILE', 'none', 'File with the same, where PROVIDERS is not set.'),
    setting(
      'PROVIDER_TIMEOUT_MS',
      '`30000`',
      'Until an answer must be complete, milliseconds, where a provider sets nothing else.',
    ),
    setting('CIRCUIT_FAILURES', '`5`', 'Failures in a row that open the circuit of a provider.'),
    setting('CIRCUIT_OPEN_MS', '`10000`', 'How long an open circuit lets nothing through, milliseconds.'),
    HOST,
    port(8091),
    LOG_LEVEL,
  ],
  'Inference (simulated)': [
    setting(
      'REGIONS',
      '`us-east=8093,eu-west=8094,asia-southeast=8095`',
      'A listener for each region: `name=port`, 0 lets the system choose.',
    ),
    setting('FAULTS', 'none', 'Faults from the start: `us-east=slow:800,eu-west=hang`; the number is milliseconds.'),
    setting('INFERENCE_API_KEYS', 'no key is asked for', 'Accepted API keys, separated by commas.'),
    setting(
      'LOCAL_MODEL',
      'simulated models only',
      'GGUF file of a base model that is asked as `gemma-3-270m`, through node-llama-cpp; `npm run model` fetches one.',
    ),
    HOST,
    { ...port(8092), meaning: 'Control port: health and faults.' },
    LOG_LEVEL,
  ],
  'Runner, router and inference': [
    setting(
      'SENTRY_DSN',
      'nothing is loaded, nothing is sent',
      'Reports errors through the Sentry SDK, with the trace id.',
    ),
    setting('SENTRY_TRACES_SAMPLE_RATE', '`0`', 'Share of traces the Sentry SDK may sample, 0 to 1.'),
  ],
};
