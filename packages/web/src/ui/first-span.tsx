// There is nothing yet: how to send the first span to this very server, and what the doctor finds in the way.
import { useEffect, useState } from 'preact/hooks';
import { DoctorPanel } from '../health/doctor.tsx';
import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { go } from '../state/url.ts';
import { Copyable } from './copyable.tsx';
import { Segments } from './segments.tsx';

const LATE_MS = 2000;

/** False when nothing was ever written; asked only when a page found nothing. */
export function useHasSpans(wanted: boolean): boolean | undefined {
  const any = useAsk('search', wanted ? { from: '3650d', limit: 1 } : null);
  return any.value && any.value.rows.length > 0;
}

export function FirstSpan() {
  const arrived = useAsk('search', { from: '3650d', limit: 1 }, { every: LATE_MS });
  const ingest = useAsk('ingest', { limit: 1 }, { every: LATE_MS });
  const [kind, setKind] = useState<'otlp' | 'node' | 'start'>('start');
  const trace = arrived.value?.rows[0];
  useEffect(() => {
    if (trace) go(`/trace/${trace.trace_id}`, { replace: true });
  }, [trace]);
  const way = waysOf(endpointIn(ingest.value?.rows[0]))[kind];
  return (
    <div class="first-span">
      <h1>No span has arrived yet</h1>
      <p class="lead">This page opens the first trace as soon as it is there.</p>
      <Segments
        label="How to send it"
        options={[
          ['start', 'A sample'],
          ['otlp', 'Any language, OTLP'],
          ['node', 'Node.js, beside your database'],
        ]}
        value={kind}
        onChange={(value) => setKind(value)}
      />
      <Copyable text={way} what="the commands" />
      <DoctorPanel />
    </div>
  );
}

function waysOf(endpoint: string) {
  return {
    start: 'npm start     # PostgreSQL, this server, three services and a job that fails on purpose',
    otlp: `export OTEL_SERVICE_NAME=checkout
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}
# then start any program with an OpenTelemetry SDK, for example: opentelemetry-instrument python app.py`,
    node: `npm install @project-beacon/tracer
ENABLE_DB_TRACING=true DATABASE_URL=postgresql://... node checkout.js
# checkout.js: import { startTracing } from '@project-beacon/tracer';
#              const tracer = await startTracing({ service: 'checkout' });
#              await tracer.withSpan('order.run', async () => { ... });`,
  };
}

/** Where this server takes spans, as the newest receiver says; the standard port where none does. */
function endpointIn(receiver: Rows['ingest'] | undefined): string {
  const { http = 4318 } = (receiver?.ports ?? {}) as { http?: number };
  return `http://${location.hostname}:${http}`;
}
