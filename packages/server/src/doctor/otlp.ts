// Any OTLP endpoint, by really talking to it: address, protocol, path, token, size; and whether what it took is stored.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { shownAddress } from '../store/errors.ts';
import { DEFAULT, type Exporter } from './exporter.ts';
import type { Finding } from './finding.ts';
import { heardAt, isOpen, loopbackAddresses } from './network.ts';
import { type OtlpAnswer, sendGrpc } from './otlp-grpc.ts';

/**
 * Sends one span and finds out what became of it.
 *
 * @param readBack Whether the span is in the database, after waiting for it a little.
 */
export async function examineOtlp(
  exporter: Exporter,
  readBack: (traceId: string) => Promise<boolean | undefined>,
): Promise<Finding[]> {
  const { url, protocol, headers, from, proxy, authority } = exporter;
  const evidence: Record<string, unknown> = { endpoint: shownAddress(url), from, protocol };
  const fault = (hop: Finding['hop'], code: string, summary: string, fix: string, more = {}): Finding[] => [
    { hop, state: 'fault', fault: code, summary: `OTLP: ${summary}`, evidence: { ...evidence, ...more }, fix },
  ];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    return fault(
      'endpoint',
      'OTLP_BAD_ADDRESS',
      'the endpoint is not an http or https address',
      'Write http://host:4318 (or http://host:4317 with the protocol grpc).',
    );
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80));
  const open = await isOpen(host, port);
  if (open !== true) return closed(host, port, open, from, fault);
  const dead = proxy && (await deadProxy(proxy));
  if (dead) return fault('endpoint', 'OTLP_PROXY_DEAD', dead, `Unset ${proxy.variable}, or add ${host} to NO_PROXY.`);
  // Only the answer shows what is inside TLS.
  const heard = parsed.protocol === 'https:' ? undefined : await heardAt(host, port);
  const isGrpc = protocol === 'grpc';
  const wrongProtocol = (speaks: string, answer?: string) =>
    fault(
      'endpoint',
      'OTLP_WRONG_PROTOCOL',
      `${isGrpc ? 'gRPC' : 'HTTP'} is sent to port ${port}, which speaks ${speaks}`,
      speaks === 'PostgreSQL'
        ? 'Use the OTLP port of Beacon (4318 for HTTP, 4317 for gRPC).'
        : isGrpc
          ? 'Use the gRPC port (4317), or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf with this one.'
          : 'Use the HTTP port (4318), or OTEL_EXPORTER_OTLP_PROTOCOL=grpc with this one.',
      { port_speaks: speaks, ...(answer && { answer }) },
    );
  if (heard?.tls && !heard.http1 && !heard.http2) {
    return fault(
      'endpoint',
      'OTLP_TLS',
      `port ${port} speaks TLS, and is spoken to without`,
      'Write https:// instead of http:// in the endpoint.',
    );
  }
  if (heard?.postgres) return wrongProtocol('PostgreSQL');
  if (isGrpc && heard?.http1 && !heard.http2) return wrongProtocol('HTTP/1.1');
  if (!isGrpc && heard?.http2 && !heard.http1) return wrongProtocol('HTTP/2 (gRPC)');
  if (parsed.protocol === 'https:' && authority !== undefined && !fs.existsSync(authority)) {
    return fault(
      'endpoint',
      'OTLP_TLS',
      'the file of the authority that the certificate is checked with is not there',
      'Correct the path in OTEL_EXPORTER_OTLP_CERTIFICATE.',
      { file: authority },
    );
  }
  const answer = await (isGrpc ? sendGrpc : sendHttp)(url, headers, newTraceId());
  // APIs that answer strangers with a sentence, as Beacon's do, speak both; the answer tells for which they are.
  if (isGrpc && answer.status === 404 && heard?.http1) return wrongProtocol('HTTP/1.1', answer.text);
  if (!isGrpc && answer.status === 400 && heard?.http2) return wrongProtocol('HTTP/2 (gRPC)', answer.text);
  if (answer.status === undefined && parsed.protocol === 'https:' && (await hasNoTls(host, port))) {
    return fault(
      'endpoint',
      'OTLP_TLS',
      `port ${port} has no TLS, and https is spoken to it`,
      isGrpc
        ? 'Write http:// in the endpoint, or set OTEL_EXPORTER_OTLP_INSECURE=true.'
        : 'Write http:// instead of https:// in the endpoint.',
      { error: answer.text },
    );
  }
  return judgeAnswer(answer, { headers, port, path: parsed.pathname }, readBack, fault);
}

const newTraceId = () => randomBytes(16).toString('hex');

type Fault = (hop: Finding['hop'], code: string, summary: string, fix: string, more?: object) => Finding[];

async function hasNoTls(host: string, port: number): Promise<boolean> {
  const { http1, http2 } = await heardAt(host, port);
  return http1 || http2;
}

/** What to say of a proxy that does not answer; undefined where it does. */
async function deadProxy({ url, variable }: { url: string; variable: string }): Promise<string | undefined> {
  const address = url.includes('://') ? url : `http://${url}`;
  if (!URL.canParse(address)) return `${variable} is not an address, and exporters send through it`;
  const { hostname, port, protocol } = new URL(address);
  const open = await isOpen(hostname.replace(/^\[|\]$/g, ''), Number(port || (protocol === 'https:' ? 443 : 80)));
  return open === true
    ? undefined
    : `exporters that heed ${variable} (those of Python, Go, Java and Ruby do) send through a proxy at ${hostname}:${port || '80'} that does not answer (${open})`;
}

async function closed(host: string, port: number, why: string, from: string, fault: Fault): Promise<Finding[]> {
  if (/ENOTFOUND|EAI_AGAIN/.test(why)) {
    return fault(
      'endpoint',
      'OTLP_HOST_UNKNOWN',
      `the host ${host} is not known`,
      'Correct the host name in the endpoint; inside containers it is the name of the service.',
      { lookup: why },
    );
  }
  if (from === DEFAULT) {
    return fault(
      'endpoint',
      'OTLP_NO_ENDPOINT',
      `no endpoint is set, so exporters send to ${host}:${port}, where nothing listens`,
      'Set OTEL_EXPORTER_OTLP_ENDPOINT to the address of Beacon, for example http://beacon:4318.',
      { connect: why },
    );
  }
  if (why === 'ETIMEDOUT') {
    return fault(
      'endpoint',
      'OTLP_UNREACHABLE',
      `${host}:${port} does not answer a connection at all`,
      'Look at firewalls, security groups and routes between here and there.',
      { connect: why },
    );
  }
  if (/^(?:localhost|127\.|::1$)/.test(host)) {
    const { v4, v6 } = await loopbackAddresses(port);
    if (v4 !== v6) {
      return fault(
        'endpoint',
        'OTLP_WRONG_ADDRESS_FAMILY',
        `nothing listens on ${host}:${port}, but on the other address family something does`,
        `Write ${v4 ? '127.0.0.1' : '[::1]'} instead of ${host}.`,
        { '127.0.0.1': v4 ? 'answers' : 'refuses', '::1': v6 ? 'answers' : 'refuses' },
      );
    }
  }
  return fault(
    'endpoint',
    'OTLP_PORT_CLOSED',
    `nothing listens on ${host}:${port}`,
    'Correct the port (4318 for HTTP, 4317 for gRPC), or start the collector.',
    { connect: why },
  );
}

/** Sends a span as JSON; an error's code where there was no answer. */
async function sendHttp(url: string, headers: Record<string, string>, traceId: string): Promise<OtlpAnswer> {
  const began = performance.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(oneSpan(traceId)),
      // Exporters follow no redirect.
      redirect: 'manual',
      signal: AbortSignal.timeout(4_000),
    });
    const text = (await response.text()).slice(0, 400);
    const location = response.headers.get('location');
    return {
      traceId,
      status: response.status,
      text: `${response.status} ${location ?? text}`.slice(0, 200).trim(),
      ...(response.ok && answered(text, response.headers.get('content-type') ?? '')),
      tookMs: performance.now() - began,
    };
  } catch (error) {
    const cause = (error as Error & { cause?: { code?: string } }).cause?.code ?? (error as Error).message;
    return { traceId, status: undefined, text: cause, tookMs: performance.now() - began };
  }
}

/** What an answer of 2xx says beside that: OTLP answers with a message of its own, which may say that spans were refused. */
function answered(text: string, type: string): Pick<OtlpAnswer, 'isForeign' | 'rejected'> {
  // A collector answers JSON with JSON; some leave the type or the body out.
  if (/text\/html/i.test(type) || /^\s*<(?:!doctype|html)/i.test(text)) return { isForeign: true };
  const part = /"rejectedSpans"\s*:\s*"?([1-9]\d*)/.test(text);
  const message = /"errorMessage"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return part ? { rejected: message || 'no reason given' } : {};
}

/** What the answer means, and whether a span that was accepted is stored. */
async function judgeAnswer(
  { traceId, status, text, tookMs, isForeign, rejected }: OtlpAnswer,
  { headers, port, path }: { headers: Record<string, string>; port: number; path: string },
  readBack: (traceId: string) => Promise<boolean | undefined>,
  fault: Fault,
): Promise<Finding[]> {
  if (status === undefined) {
    return /SSL|TLS|CERT|self.signed|EPROTO/i.test(text)
      ? fault(
          'endpoint',
          'OTLP_TLS',
          'the TLS handshake fails',
          'Use http:// where the endpoint has no TLS; else trust its certificate (NODE_EXTRA_CA_CERTS).',
          { error: text },
        )
      : fault(
          'endpoint',
          'OTLP_NO_ANSWER',
          `port ${port} accepts connections and does not answer`,
          'Look at the log of the collector.',
          { error: text },
        );
  }
  const said = { answer: text };
  if (status === 401 || status === 403) {
    const other = Object.keys(headers).find((name) => /key|token/i.test(name));
    const authorization = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
    return fault(
      'accepted',
      'OTLP_TOKEN_REFUSED',
      authorization !== undefined
        ? /^bearer\s+\S/i.test(authorization)
          ? status === 403
            ? 'the token is known and may not send'
            : 'the token is wrong'
          : 'the header authorization is sent, but its value does not begin with "Bearer "'
        : other
          ? `a token is needed in the header authorization, and ${other} is sent instead`
          : 'a token is needed, and none is sent',
      'Set OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <token>" with the token of this endpoint.',
      said,
    );
  }
  if (status >= 300 && status < 400) {
    return fault(
      'endpoint',
      'OTLP_REDIRECTED',
      'the endpoint answers with a redirect, which exporters do not follow',
      'Set the endpoint to where the redirect leads (https:// instead of http://, a host name, a path).',
      said,
    );
  }
  if (isForeign) {
    return fault(
      'endpoint',
      'OTLP_NOT_A_RECEIVER',
      `port ${port} answers with a web page: what listens there takes any request and is no OTLP receiver`,
      'Use the OTLP port of Beacon (4318 for HTTP, 4317 for gRPC), not that of a page or a proxy.',
      said,
    );
  }
  if (rejected !== undefined) {
    return fault(
      'accepted',
      'OTLP_REFUSED',
      `the collector answers ${status} and refuses the span all the same: ${rejected}`,
      'Its answer says why; exporters only log it.',
      said,
    );
  }
  if (status === 404 || status === 405) {
    return fault(
      'endpoint',
      'OTLP_WRONG_PATH',
      'there is no such path at that port',
      path.endsWith('/v1/traces/v1/traces')
        ? 'Exporters add /v1/traces to OTEL_EXPORTER_OTLP_ENDPOINT themselves: take it out there.'
        : 'The path is /v1/traces: OTEL_EXPORTER_OTLP_ENDPOINT goes without it, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT with it.',
      said,
    );
  }
  if (status === 413)
    return fault(
      'accepted',
      'OTLP_TOO_LARGE',
      'even a request of one span is refused as too large',
      'Raise the body limit of the collector or of the proxy before it.',
      said,
    );
  if (status !== 200)
    return fault(
      'accepted',
      'OTLP_REFUSED',
      `the collector refuses spans with ${status}`,
      'Its answer and its log say why.',
      said,
    );
  const good: Finding[] = [
    { hop: 'accepted', state: 'good', summary: `OTLP: a span was accepted after ${Math.round(tookMs)} ms` },
  ];
  const stored = await readBack(traceId);
  if (stored === undefined) return good;
  if (stored)
    return [...good, { hop: 'committed', state: 'good', summary: 'OTLP: that span was read back from the database' }];
  return fault(
    'committed',
    'OTLP_NOT_STORED',
    'a span was accepted and is not in the database that is read here',
    'The collector writes elsewhere, or drops what it accepts: compare its database with DATABASE_URL.',
    said,
  );
}

function oneSpan(traceId: string): object {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: 'beacon.probe',
    kind: 1,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000n),
    flags: 257,
  };
  const attributes = [{ key: 'service.name', value: { stringValue: 'beacon doctor' } }];
  return {
    resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 'beacon doctor' }, spans: [span] }] }],
  };
}
