// Spans as Envoy's OpenTelemetry tracer exports them: all attributes are texts, `response_flags` says what went wrong.
// Envoy is not run: node main.mjs <failure>
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** By failure: the flags, the status and how long it took; with the server's own span where the server was reached. */
const CASES = {
  ok: ['-', 200, 30, true],
  'not-found-answered': ['-', 404, 12, true],
  uf: ['UF', 503, 5],
  'uf-timeout': ['UF', 503, 1000],
  uh: ['UH', 503, 1],
  uo: ['UO', 503, 1],
  ut: ['UT', 504, 1500],
  uc: ['UC', 503, 40],
  urx: ['URX,UF', 503, 300],
  lr: ['LR', 503, 20],
  nr: ['NR', 404, 1],
  nc: ['NC', 503, 1],
  dc: ['DC', 0, 700],
  rl: ['RL', 429, 1],
  rlse: ['RLSE', 500, 2],
  uaex: ['UAEX', 403, 3],
  dt: ['DT', 504, 1000],
  upe: ['UPE', 502, 8],
  dpe: ['DPE', 400, 1],
  ih: ['IH', 400, 1],
  sti: ['SI', 408, 1200],
  om: ['OM', 503, 1],
  'upstream-500': ['-', 500, 25, true],
};
const [flags, code, ms, reached] = CASES[process.argv[2]];

const tracerOf = (name, more) => {
  const resource = resourceFromAttributes({ 'service.name': name, ...more });
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
  const provider = new TracerProvider({ resource, spanProcessors: [processor] });
  return [provider.getTracer('envoy'), provider];
};
const [envoy, front] = tracerOf('front-envoy', { 'telemetry.sdk.language': 'cpp', 'telemetry.sdk.name': 'envoy' });
const [payments, back] = tracerOf('payments', {});

const ingress = envoy.startSpan(
  'ingress',
  {
    kind: SpanKind.SERVER,
    attributes: {
      'guid:x-request-id': '00000000-0000-4000-8000-000000000001',
      component: 'proxy',
      node_id: 'front-1',
      zone: 'eu-1',
      'http.method': 'POST',
      'http.url': 'http://shop.example/payments/17',
      'http.protocol': 'HTTP/1.1',
      user_agent: 'okhttp/4.12',
      downstream_cluster: '-',
      'peer.address': '10.0.0.9',
      request_size: '120',
      response_size: reached ? '57' : '91',
      upstream_cluster: flags === 'NR' ? '' : 'payments',
      'upstream_cluster.name': flags === 'NR' ? '' : 'payments',
      'http.status_code': `${code}`,
      response_flags: flags,
    },
  },
  ROOT_CONTEXT,
);
if (reached) {
  const parent = trace.setSpan(ROOT_CONTEXT, ingress);
  const attributes = {
    'http.request.method': 'POST',
    'http.route': '/payments/{id}',
    'http.response.status_code': code,
  };
  const span = payments.startSpan('POST /payments/{id}', { kind: SpanKind.SERVER, attributes }, parent);
  await pause(ms - 8);
  if (code >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
await pause(reached ? 4 : ms);
if (code >= 500 || code === 0) {
  ingress.setAttribute('error', 'true');
  ingress.setStatus({ code: SpanStatusCode.ERROR });
}
ingress.end();
await Promise.all([front.shutdown(), back.shutdown()]);
