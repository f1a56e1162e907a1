// What sends traces, and asks.
import * as http from 'node:http';
import type pg from 'pg';
import { cpuOf } from './cpu.ts';
import type { Question } from './questions.ts';
import type { Request } from './traffic.ts';

export interface Figure {
  what: string;
  /** Milliseconds over HTTP. */
  p50: number;
  p95: number;
  /** Milliseconds of processor time a request, of server and database; undefined where it is not known. */
  cpu: number | undefined;
}

/** Where a server answers; `api` where it is Beacon. */
export interface Asked {
  jaeger: number;
  api: number | undefined;
  /** The server's process, and a connection to its database. */
  measured?: { pid: number; client: pg.Client };
}

/**
 * Sends requests, each client its next when the last is answered.
 *
 * @param perSecond Spans a second at most.
 */
export async function send(
  port: number,
  requests: Iterable<Request>,
  { clients, perSecond = Number.POSITIVE_INFINITY }: { clients: number; perSecond?: number },
) {
  const agent = new http.Agent({ keepAlive: true });
  const ids: string[] = [];
  let spans = 0;
  const queue = requests[Symbol.iterator]();
  const started = performance.now();
  const client = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const { body, traceIds, count } = next.value;
      const early = (spans / perSecond) * 1_000 - (performance.now() - started);
      spans += count;
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      await post(agent, port, body);
      ids.push(traceIds[0]!);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return { spans, ids: evenly(ids), seconds: (performance.now() - started) / 1_000 };
}

/** Some 60 of them. */
function evenly(ids: string[]): string[] {
  const step = Math.max(1, Math.floor(ids.length / 60));
  return ids.filter((_, n) => n % step === 0);
}

async function post(agent: http.Agent, port: number, body: Buffer): Promise<void> {
  for (let tries = 0; ; tries++) {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
      const options = { agent, port, host: '127.0.0.1', path: '/v1/traces', method: 'POST', headers };
      const request = http.request(options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', reject);
      request.end(body);
    });
    if (status === 200) return;
    if (tries === 20) throw new Error(`Spans were answered with ${status}.`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Asks a question several times. @param rounds How often its time counts; a few more go before, if it is to be warm. */
export async function timesOf(
  question: Question,
  to: Asked,
  ids: string[],
  { rounds, warm }: { rounds: number; warm: boolean },
): Promise<Figure | undefined> {
  const port = to[question.at];
  if (port === undefined) return undefined;
  const round = (n: number) => once(question, port, ids, n);
  for (let n = 0; warm && n < 3; n++) await round(n);
  const cpu = () => to.measured && cpuOf(to.measured.pid, to.measured.client);
  const before = await cpu();
  const times: number[] = [];
  for (let n = 0; n < rounds; n++) times.push(await round(n));
  const after = await cpu();
  const used = before === undefined || after === undefined ? undefined : Math.max(0, after - before) / rounds;
  return { what: question.what, ...sharesOf(times), cpu: used };
}

/** Asks once; milliseconds. */
export async function once({ what, path }: Question, port: number, ids: string[], n: number): Promise<number> {
  const started = performance.now();
  const address = path({ n, traceId: ids[n % ids.length]!, now: Date.now() * 1_000 });
  const answer = await fetch(`http://127.0.0.1:${port}${address}`);
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
  return performance.now() - started;
}

export function sharesOf(times: number[]): { p50: number; p95: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const share = (of: number) => sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))]!;
  return { p50: share(0.5), p95: share(0.95) };
}
