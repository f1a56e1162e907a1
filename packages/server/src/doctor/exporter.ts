// Where an OpenTelemetry exporter that is started with this environment would send its spans, and how.
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import type { Finding } from './finding.ts';

export interface Exporter {
  /** With its path for HTTP. */
  url: string;
  /** `http/protobuf`, `http/json` or `grpc`. */
  protocol: string;
  headers: Record<string, string>;
  from: string;
  /** Nothing says that any program here exports at all: worth trying only where nothing else is known. */
  isGuess?: boolean;
  /** No protocol is set: SDKs of some languages speak HTTP then, those of others gRPC. */
  protocolIsGuess?: boolean;
  /** File of the authority that exporters would check the endpoint's certificate with. */
  authority?: string;
  /** Address of the proxy that exporters of most languages would go through; undefined where none is set for it. */
  proxy?: { url: string; variable: string };
}

/** `from` of an exporter without an endpoint of its own. */
export const DEFAULT = 'the default of SDKs, because no endpoint is set';

interface Found {
  /** undefined where nothing here is about OTLP, or nothing could be sent that way. */
  exporter?: Exporter;
  findings: Finding[];
}

/** @param dir Folder that relative paths start from. */
export function exporterOf(env: NodeJS.ProcessEnv, dir: string, otlpUrl?: string): Found {
  const findings: Finding[] = [];
  const file = otlpUrl ? undefined : configurationFile(env, dir, findings);
  const endpoint =
    otlpUrl ??
    file?.endpoint ??
    (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined);
  const byName = /\botlp_proto_(grpc|http)\b/.exec(env.OTEL_TRACES_EXPORTER ?? '')?.[1];
  const set = byName ?? (env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL);
  const said = set || 'http/protobuf';
  const protocol = file?.protocol ?? (/grpc/i.test(said) ? 'grpc' : said === 'http/json' ? said : 'http/protobuf');
  const { headers, broken } = headersOf(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS);
  if (broken) findings.push(brokenHeaders(broken));
  if (endpoint === undefined) {
    const sends = sendsOtlp(env);
    if (sends === 'no') return { findings };
    const url = protocol === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318/v1/traces';
    return {
      findings,
      exporter: { url, protocol, headers, from: DEFAULT, ...(sends === 'perhaps' && { isGuess: true }) },
    };
  }
  // Exporters put the path after the common endpoint, whatever that ends in; the one for traces is taken as it is.
  const isWhole = file !== undefined || (!otlpUrl && Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT));
  const base = endpoint.replace(/\/$/, '');
  const url =
    protocol === 'grpc'
      ? withScheme(endpoint, env)
      : isWhole || (otlpUrl && base.endsWith('/v1/traces'))
        ? endpoint
        : `${base}/v1/traces`;
  const proxy = otlpUrl ? undefined : proxyFor(url, env, protocol === 'grpc');
  const authority = env.OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE || env.OTEL_EXPORTER_OTLP_CERTIFICATE;
  return {
    findings,
    exporter: {
      url,
      protocol,
      headers: broken ? {} : headers,
      from: otlpUrl ? '--otlp' : file ? file.name : 'OTEL_EXPORTER_OTLP_*',
      ...(proxy && { proxy }),
      ...(!set && !file && { protocolIsGuess: true }),
      ...(authority && { authority: path.resolve(dir, authority) }),
    },
  };
}

/** Whether a process with this environment would send over OTLP without being told where. */
function sendsOtlp(env: NodeJS.ProcessEnv): 'yes' | 'perhaps' | 'no' {
  const exporters = (env.OTEL_TRACES_EXPORTER ?? '').toLowerCase();
  if (exporters !== '') return exporters.includes('otlp') ? 'yes' : 'no';
  const names = Object.keys(env);
  if (names.some((name) => /^OTEL_EXPORTER_OTLP_(?:TRACES_)?(?:HEADERS|PROTOCOL)$/.test(name))) return 'yes';
  return names.some((name) => /^OTEL_(?:SERVICE_NAME|RESOURCE_ATTRIBUTES)$/.test(name)) ? 'perhaps' : 'no';
}

/** gRPC takes `host:port` too, and speaks TLS there unless it is told otherwise. */
function withScheme(endpoint: string, env: NodeJS.ProcessEnv): string {
  if (/^[a-z]+:\/\//i.test(endpoint)) return endpoint;
  const insecure = env.OTEL_EXPORTER_OTLP_TRACES_INSECURE ?? env.OTEL_EXPORTER_OTLP_INSECURE;
  return `${insecure?.toLowerCase() === 'true' ? 'http' : 'https'}://${endpoint}`;
}

interface ConfigurationFile {
  name: string;
  endpoint: string;
  protocol: string;
}

/** OTEL_CONFIG_FILE: where it is set, SDKs read that file and no other variable. */
function configurationFile(env: NodeJS.ProcessEnv, dir: string, findings: Finding[]): ConfigurationFile | undefined {
  const name = env.OTEL_CONFIG_FILE ? 'OTEL_CONFIG_FILE' : 'OTEL_EXPERIMENTAL_CONFIG_FILE';
  const value = env[name];
  if (!value) return undefined;
  const fault = (what: string, fix: string, evidence: Record<string, unknown> = {}) => {
    const all = { variable: `${name}=${value.slice(0, 120)}`, ...evidence };
    findings.push({
      hop: 'sdk',
      state: 'fault',
      fault: 'CONFIG_FILE',
      summary: `${name} is set, ${what}`,
      evidence: all,
      fix,
    });
    return undefined;
  };
  let text: string;
  try {
    text = fs.readFileSync(path.resolve(dir, value), 'utf8');
  } catch (error) {
    return fault('and the file cannot be read', `Correct the path in ${name}, or unset it.`, {
      error: (error as NodeJS.ErrnoException).code,
    });
  }
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const endpoint = /^\s*-?\s*endpoint:\s*["']?([^"'\s#]+)/m.exec(lines.join('\n'))?.[1];
  if (/^\s*disabled:\s*true/m.test(lines.join('\n')))
    return fault('and the file says disabled: true', 'Take that line out.');
  if (endpoint === undefined) {
    return fault(
      'so SDKs read that file and ignore every other variable, and the file names no OTLP endpoint for spans',
      `Add tracer_provider.processors[].batch.exporter.otlp_http.endpoint to the file, or unset ${name}.`,
    );
  }
  const resolved = endpoint.replace(
    /\$\{(?:env:)?(\w+)(?::-([^}]*))?\}/g,
    (_, of: string, other = '') => env[of] ?? other,
  );
  const given = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (given && !resolved.startsWith(given.replace(/\/$/, ''))) {
    return fault(
      'so SDKs read that file and ignore OTEL_EXPORTER_OTLP_ENDPOINT, which names another endpoint',
      `Put the right endpoint into the file, or unset ${name}.`,
      { endpoint_of_the_file: withoutUser(resolved), endpoint_of_the_variable: withoutUser(given) },
    );
  }
  const protocol = /otlp_grpc:|protocol:\s*["']?grpc/.test(text) ? 'grpc' : 'http/protobuf';
  return { name, endpoint: resolved, protocol };
}

function headersOf(text = ''): { headers: Record<string, string>; broken?: string } {
  const headers: Record<string, string> = {};
  if (/^\s*["']|["']\s*$/.test(text)) return { headers, broken: 'quotes around the whole value' };
  for (const pair of text.split(',').filter((each) => each.trim() !== '')) {
    const at = pair.indexOf('=');
    if (at < 0) return { headers, broken: 'an entry without "="' };
    const [name, raw] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return { headers, broken: 'a name that no header can have' };
    if (/^["']|["']$/.test(raw)) return { headers, broken: `quotes around the value of ${name}` };
    try {
      headers[name] = decodeURIComponent(raw);
    } catch {
      return { headers, broken: `a "%" in the value of ${name} that is not followed by two digits` };
    }
  }
  return { headers };
}

function brokenHeaders(what: string): Finding {
  return {
    hop: 'accepted',
    state: 'fault',
    fault: 'OTLP_HEADERS_BROKEN',
    summary: `OTEL_EXPORTER_OTLP_HEADERS has ${what}, which exporters send as it is or drop: the endpoint gets no token`,
    evidence: { found: what },
    fix: 'Write name=value,name=value without quotes inside: OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<token>. A file for --env-file of docker keeps quotes as they are.',
  };
}

/** As curl, Go and Python read it; Node does with NODE_USE_ENV_PROXY. */
function proxyFor(url: string, env: NodeJS.ProcessEnv, isGrpc: boolean): Exporter['proxy'] {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = [...(isGrpc ? ['grpc_proxy'] : []), ...names, 'all_proxy', 'ALL_PROXY'].find((name) => env[name]);
  if (!variable) return undefined;
  const without = `${env.no_proxy ?? ''},${env.NO_PROXY ?? ''}${isGrpc ? `,${env.no_grpc_proxy ?? ''}` : ''}`;
  const host = hostname.replace(/^\[|\]$/g, '');
  const isExcluded = without.split(',').some((each) => excludes(each.trim(), host));
  return isExcluded ? undefined : { url: env[variable] as string, variable };
}

/** One entry of NO_PROXY: a host with or without its port, a domain, a network, or all. */
function excludes(entry: string, host: string): boolean {
  const [network = '', bits] = entry.split('/');
  if (bits !== undefined && net.isIP(host) !== 0 && net.isIP(host) === net.isIP(network)) {
    const list = new net.BlockList();
    const family = net.isIPv6(host) ? 'ipv6' : 'ipv4';
    try {
      list.addSubnet(network, Number(bits), family);
    } catch {
      return false;
    }
    return list.check(host, family);
  }
  const name = entry.replace(/^\*?\./, '').replace(/:\d+$/, '');
  return entry === '*' || (name !== '' && (host === name || host.endsWith(`.${name}`)));
}

function withoutUser(url: string): string {
  return URL.canParse(url)
    ? `${new URL(url).protocol}//${new URL(url).host}${new URL(url).pathname}`
    : '(not an address)';
}
